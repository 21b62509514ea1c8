/**
 * Residual block of the networks published with EDM (Karras et al. 2022, appendix F.2): GroupNorm, SiLU, convolution,
 * twice, with the embedding of noise and class between; the first convolution may follow a change of resolution;
 * self-attention at the end. Tensors are named as there: norm0, conv0, affine, norm1, conv1, skip, norm2, qkv, proj.
 */

import type { Modulation } from '../../gradients/group-norm.ts';
import type { ParameterSpec, Parameters } from '../../tensor/parameters.ts';
import { tf } from '../../tensor/tf.ts';
import type { ScorePass } from '../network.ts';
import { convolutionParameters, convolve } from './convolution.ts';
import { dense, denseParameters } from './dense.ts';
import { drop } from './dropout.ts';
import { normalizeGroups } from './group-norm.ts';
import { selfAttention } from './multi-head-attention.ts';
import { double, halve } from './resample.ts';
import { scaleAndShift } from './scale-and-shift.ts';
import { noSpread, type Spread } from './spread.ts';
import type { Start } from './start.ts';

/** One block: where it stands, and its widths. */
export interface EdmBlock {
  name: string;
  inputs: number;
  outputs: number;
  /** Change of resolution in front of the first convolution. */
  resample?: 'halve' | 'double';
  attends: boolean;
}

/** What all blocks of a network have in common. */
export interface EdmStyle {
  /** Width of the embedding. */
  embedding: number;
  /** The sums of both branches, and of attention with its input, are multiplied by it. */
  skipScale: number;
  /** Of the group norms. */
  epsilon: number;
  /** Taps of the filter that changes the resolution. */
  filter: readonly number[];
  /** Rate, in front of the second convolution. */
  dropout: number;
  /** Whether `skip` has a 1×1 convolution where only the resolution changes. */
  projectsResampled: boolean;
  /** Whether the embedding gives a scale and a shift behind the second norm, not a shift in front of it. */
  adaptive: boolean;
  /** Heads of self-attention in a block of so many channels; 0 leaves it out. */
  heads(channels: number): number;
  starts: {
    usual(fanIn: number, fanOut: number): Start;
    /** Of what should begin near zero. */
    last(fanIn: number, fanOut: number): Start;
    qkv(fanIn: number, fanOut: number): Start;
  };
}

/** Groups of at least four channels, 32 of them at most. */
export const groupsOf = (channels: number) => Math.max(1, Math.min(32, Math.floor(channels / 4)));

const hasSkip = ({ inputs, outputs, resample }: EdmBlock, { projectsResampled }: EdmStyle) =>
  inputs !== outputs || (resample !== undefined && projectsResampled);

export function edmBlockParameters(block: EdmBlock, style: EdmStyle): ParameterSpec[] {
  const { name, inputs, outputs } = block;
  const { usual, last } = style.starts;
  const affine = style.adaptive ? 2 * outputs : outputs;
  return [
    ...scaleAndShift(`${name}.norm0`, inputs),
    ...convolutionParameters(`${name}.conv0`, inputs, outputs, {
      kernel: 3,
      start: usual(9 * inputs, 9 * outputs),
    }),
    ...denseParameters(`${name}.affine`, style.embedding, affine, { start: usual(style.embedding, affine) }),
    ...scaleAndShift(`${name}.norm1`, outputs),
    ...convolutionParameters(`${name}.conv1`, outputs, outputs, {
      kernel: 3,
      start: last(9 * outputs, 9 * outputs),
    }),
    ...(hasSkip(block, style)
      ? convolutionParameters(`${name}.skip`, inputs, outputs, { kernel: 1, start: usual(inputs, outputs) })
      : []),
    ...(block.attends ? attentionParameters(block, style) : []),
  ];
}

/** Channels of `qkv` are [q|k|v, head, channel] here, and [head, channel, q|k|v] in files. */
function attentionParameters({ name, outputs }: EdmBlock, { heads, starts }: EdmStyle): ParameterSpec[] {
  const count = heads(outputs);
  if (count === 0) return [];
  const wide = 3 * outputs;
  const start = starts.qkv(outputs, wide);
  const parts = [3, count, outputs / count];
  return [
    ...scaleAndShift(`${name}.norm2`, outputs),
    {
      name: `${name}.qkv.weight`,
      shape: [1, 1, outputs, wide],
      initializer: start.weight,
      torch: { cut: [outputs, ...parts], order: [2, 3, 1, 0], shape: [wide, outputs, 1, 1] },
    },
    {
      name: `${name}.qkv.bias`,
      shape: [wide],
      initializer: start.bias,
      torch: { cut: parts, order: [1, 2, 0], shape: [wide] },
    },
    ...convolutionParameters(`${name}.proj`, outputs, outputs, {
      kernel: 1,
      start: starts.last(outputs, outputs),
    }),
  ];
}

const resampled = (x: tf.Tensor4D, { resample }: EdmBlock, { filter }: EdmStyle): tf.Tensor4D => {
  if (resample === undefined) return x;
  return resample === 'halve' ? halve(x, filter) : double(x, filter);
};

/**
 * x: [images, h, w, inputs], embedding: [batch, width] -> [batch, h', w', outputs].
 *
 * @param spread from images to batch
 */
export function edmBlock(
  values: Parameters,
  block: EdmBlock,
  style: EdmStyle,
  x: tf.Tensor4D,
  embedding: tf.Tensor2D,
  pass?: ScorePass,
  spread: Spread = noSpread,
): tf.Tensor4D {
  const { name } = block;
  const normed = (which: string, h: tf.Tensor, modulation?: Modulation) =>
    normalizeGroups(values, `${name}.${which}`, h, groupsOf(h.shape[3]!), style.epsilon, {
      ...modulation,
      activation: 'silu',
    });
  const shrunk = resampled(normed('norm0', x), block, style);
  let h = spread(convolve(values, `${name}.conv0`, shrunk));
  const affine = dense(values, `${name}.affine`, embedding);
  h = normed('norm1', h, modulationOf(affine, style));
  h = convolve(values, `${name}.conv1`, drop(h, style.dropout, pass));
  const kept = resampled(x, block, style);
  const skip = `${name}.skip.weight` in values ? convolve(values, `${name}.skip`, kept) : kept;
  const sum: tf.Tensor4D = scaled(tf.add(spread(skip), h), style);
  return `${name}.qkv.weight` in values ? attention(values, block, style, sum) : sum;
}

/** affine: [batch, c] or [batch, 2c]. */
function modulationOf(affine: tf.Tensor2D, { adaptive }: EdmStyle): Modulation {
  const perImage = tf.reshape(affine, [-1, 1, 1, affine.shape[1]]) as tf.Tensor4D;
  if (!adaptive) return { added: perImage };
  const [scale, shift] = tf.split(perImage, 2, 3) as [tf.Tensor4D, tf.Tensor4D];
  return { scale: tf.add(scale, 1), shift };
}

const scaled = (x: tf.Tensor4D, { skipScale }: EdmStyle): tf.Tensor4D =>
  skipScale === 1 ? x : tf.mul(x, skipScale);

/** Self-attention over the positions, with its residual connection: [batch, h, w, c] -> the same shape. */
function attention(values: Parameters, { name }: EdmBlock, style: EdmStyle, x: tf.Tensor4D): tf.Tensor4D {
  const channels = x.shape[3];
  const normed = normalizeGroups(values, `${name}.norm2`, x, groupsOf(channels), style.epsilon, {});
  const mixed = selfAttention(convolve(values, `${name}.qkv`, normed), style.heads(channels));
  return scaled(tf.add(x, convolve(values, `${name}.proj`, mixed)), style);
}
