/**
 * SongUNet, the networks DDPM++ and NCSN++ (Song et al. 2021) as published with EDM (Karras et al. 2022, appendix F.2):
 * sums of branches are scaled by √½, attention has one head, and NCSN++ feeds the shrunken input to each resolution.
 * Names are those of that code.
 */
import type { ScoreNetworkConfig } from '../../../schemas/network-config.ts';
import { silu } from '../gradients/silu.ts';
import { stopGradient } from '../gradients/stop-gradient.ts';
import type { ParameterSpec, Parameters } from '../tensor/parameters.ts';
import { tf } from '../tensor/tf.ts';
import { convolutionParameters, convolve } from './blocks/convolution.ts';
import { dense, denseParameters } from './blocks/dense.ts';
import { type EdmStyle, edmBlockParameters, groupsOf } from './blocks/edm-block.ts';
import { normalizeGroups } from './blocks/group-norm.ts';
import { fourierEmbedding, positionalEmbedding, withAugmentation } from './blocks/noise-embedding.ts';
import { double, halve } from './blocks/resample.ts';
import { scaleAndShift } from './blocks/scale-and-shift.ts';
import { noSpread, type Spread, spreadBy } from './blocks/spread.ts';
import { xavierStart } from './blocks/start.ts';
import { filterTensors } from './edm-filters.ts';
import {
  blockRunner,
  type EdmLevel,
  edmBlocks,
  goDown,
  goUp,
  planEdm,
  requireWholeParts,
} from './edm-plan.ts';
import type { ScoreNetwork, ScorePass } from './network.ts';

type SongConfig = Extract<ScoreNetworkConfig, { kind: 'song-unet' }>;

const EPSILON = 1e-6;
/** Of the last convolutions: so much of the usual start. */
const NEARLY_ZERO = 1e-5;
/** Deviation of the rates of the Fourier embedding, in turns. */
const FOURIER_SCALE = 16;

const starts: EdmStyle['starts'] = {
  usual: xavierStart,
  last: (fanIn, fanOut) => xavierStart(fanIn, fanOut, NEARLY_ZERO),
  qkv: (fanIn, fanOut) => xavierStart(fanIn, fanOut, Math.sqrt(0.2)),
};

const styleOf = ({ channels, filter, dropout }: SongConfig): EdmStyle => ({
  embedding: 4 * channels,
  skipScale: Math.SQRT1_2,
  epsilon: EPSILON,
  filter,
  dropout,
  projectsResampled: true,
  adaptive: false,
  heads: () => 1,
  starts,
});

/** A 3×3 or 1×1 convolution. */
const convolutionOf = (name: string, inputs: number, outputs: number, kernel: number, start = starts.usual) =>
  convolutionParameters(name, inputs, outputs, {
    kernel,
    start: start(kernel ** 2 * inputs, kernel ** 2 * outputs),
  });

const denseOf = (name: string, inputs: number, outputs: number, bias = true) =>
  denseParameters(name, inputs, outputs, { bias, start: xavierStart(inputs, outputs) });

function embeddingParameters(config: SongConfig, embedding: number, classes: number): ParameterSpec[] {
  const width = config.channels * config.noiseMultiplier;
  const rates: ParameterSpec = {
    name: 'map_noise.freqs',
    shape: [width / 2],
    initializer: { kind: 'normal', deviation: FOURIER_SCALE },
  };
  return [
    ...(config.embedding === 'fourier' ? [rates] : []),
    ...(classes > 0 ? denseOf('map_label', classes, width) : []),
    ...(config.augmentations === 0 ? [] : denseOf('map_augment', config.augmentations, width, false)),
    ...denseOf('map_layer0', width, embedding),
    ...denseOf('map_layer1', embedding, embedding),
  ];
}

/** noise: [images], oneHot: [batch, classes] -> [batch, 4·channels]. */
function embed(
  values: Parameters,
  config: SongConfig,
  noise: tf.Tensor1D,
  oneHot: tf.Tensor2D,
  pass?: ScorePass,
  spread: Spread = noSpread,
): tf.Tensor2D {
  const frequencies = (config.channels * config.noiseMultiplier) / 2;
  const [cosines, sines] = tf.split(
    config.embedding === 'positional'
      ? positionalEmbedding(noise, frequencies, true)
      : // The rates are drawn once and not trained.
        fourierEmbedding(noise, stopGradient(values['map_noise.freqs'] as tf.Tensor1D)),
    2,
    1,
  );
  let emb = spread(tf.concat([sines!, cosines!], 1));
  if ('map_label.weight' in values) {
    const classes = oneHot.shape[1];
    emb = tf.add(emb, dense(values, 'map_label', tf.mul(oneHot, Math.sqrt(classes))));
  }
  emb = withAugmentation(values, emb, pass);
  return silu(dense(values, 'map_layer1', silu(dense(values, 'map_layer0', emb))));
}

/** What the shrunken input adds to each resolution but the first, by `encoder`. */
function auxiliaryDown(config: SongConfig, levels: readonly EdmLevel[], colors: number): ParameterSpec[] {
  return levels.slice(1).flatMap(({ side }, i) => {
    const name = `enc.${side}x${side}_aux`;
    const outputs = levels[i]!.width;
    // The shrunken input is the image itself, and behind the first residual branch what that made of it.
    const inputs = i === 0 ? colors : levels[i - 1]!.width;
    if (config.encoder === 'skip') return convolutionOf(`${name}_skip`, colors, outputs, 1);
    return config.encoder === 'residual' ? convolutionOf(`${name}_residual`, inputs, outputs, 3) : [];
  });
}

const endParameters = ({ side, width }: EdmLevel, outputs: number): ParameterSpec[] => [
  ...scaleAndShift(`dec.${side}x${side}_aux_norm`, width),
  ...convolutionOf(`dec.${side}x${side}_aux_conv`, width, outputs, 3, starts.last),
];

/** Joins the shrunken input with what the blocks made, one resolution after the other. */
function shrinkingInput(values: Parameters, { encoder, filter }: SongConfig, x: tf.Tensor4D) {
  let shrunk = x;
  return (h: tf.Tensor4D, { side }: EdmLevel): tf.Tensor4D => {
    const name = `enc.${side}x${side}_aux`;
    if (encoder === 'skip') {
      shrunk = halve(shrunk, filter);
      return tf.add(h, convolve(values, `${name}_skip`, shrunk));
    }
    if (encoder === 'standard') return h;
    shrunk = tf.mul(tf.add(h, shrinkAndConvolve(values, `${name}_residual`, shrunk, filter)), Math.SQRT1_2);
    return shrunk;
  };
}

/** A 3×3 convolution that reaches as far beyond the image as the filter that then halves the resolution. */
function shrinkAndConvolve(
  values: Parameters,
  name: string,
  x: tf.Tensor4D,
  filter: readonly number[],
): tf.Tensor4D {
  const weight = { [`${name}.weight`]: values[`${name}.weight`]! };
  const wide = convolve(weight, name, x, { padding: 1 + ((filter.length - 1) >> 1) });
  return tf.add(halve(wide, filter, 'valid'), values[`${name}.bias`]!);
}

/**
 * @param shape [side, side, channels]; the side must be divisible by 2^(resolutions − 1)
 * @param outputs channels of the output
 */
export function makeSongUnet(
  config: SongConfig,
  shape: readonly number[],
  classes: number,
  outputs: number,
): ScoreNetwork {
  const [side, , colors] = shape as [number, number, number];
  const style = styleOf(config);
  const { blocks, attention, channels: first, decoder, filter } = config;
  const widths = config.multipliers.map((multiplier) => multiplier * first);
  const levels = planEdm({ side, first, widths, blocks, attention, attendsUp: 'last' });
  requireWholeParts(levels, style, { channels: first });
  const upwards = [...levels].reverse();
  const ending = decoder === 'skip' ? upwards : levels.slice(0, 1);
  const begin = `enc.${side}x${side}_conv`;
  return {
    parameters: [
      ...embeddingParameters(config, style.embedding, classes),
      ...convolutionOf(begin, colors, first, 3),
      ...auxiliaryDown(config, levels, colors),
      ...edmBlocks(levels).flatMap((block) => edmBlockParameters(block, style)),
      ...ending.flatMap((level) => endParameters(level, outputs)),
    ],
    derived: filterTensors(levels, style, config),
    forward(values, x, noise, oneHot, pass, places) {
      const spread = spreadBy(places);
      const run = blockRunner(values, style, embed(values, config, noise, oneHot, pass, spread), pass);
      const image = x as tf.Tensor4D;
      const join = shrinkingInput(values, config, spread(image));
      let { h, skips } = goDown(levels, convolve(values, begin, image), run, spread, join);
      let out: tf.Tensor4D | null = null;
      for (const level of upwards) {
        h = goUp(level, h, skips, run);
        if (!ending.includes(level)) continue;
        const made = finish(values, level, h);
        out = out === null ? made : tf.add(double(out, filter), made);
      }
      return out!;
    },
  };
}

/** The image that a resolution makes. */
function finish(values: Parameters, { side, width }: EdmLevel, h: tf.Tensor4D): tf.Tensor4D {
  const name = `dec.${side}x${side}_aux`;
  const silued = { activation: 'silu' } as const;
  const normed = normalizeGroups(values, `${name}_norm`, h, groupsOf(width), EPSILON, silued);
  return convolve(values, `${name}_conv`, normed);
}
