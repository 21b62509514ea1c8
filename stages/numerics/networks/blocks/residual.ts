/**
 * Residual block of score U-Nets (Ho et al. 2020): GroupNorm, SiLU, convolution, twice, with the embedding of
 * noise and class added between. The second convolution starts at zero, so that the block starts as identity.
 */
import type { ParameterSpec, Parameters } from '../../tensor/parameters.ts';
import { tf } from '../../tensor/tf.ts';
import type { ScorePass } from '../network.ts';
import { convolutionParameters, convolve } from './convolution.ts';
import { dense, denseParameters } from './dense.ts';
import { drop } from './dropout.ts';
import { normalizeGroups } from './group-norm.ts';
import { scaleAndShift } from './scale-and-shift.ts';
import { noSpread, type Spread } from './spread.ts';
import { ZERO_START } from './start.ts';

/** Parameters of {@link residual}; a 1×1 `skip` where the number of channels changes. */
export function residualParameters(
  name: string,
  inputs: number,
  outputs: number,
  embedding: number,
): ParameterSpec[] {
  return [
    ...scaleAndShift(`${name}.norm1`, inputs),
    ...convolutionParameters(`${name}.conv1`, inputs, outputs, { kernel: 3 }),
    ...denseParameters(`${name}.emb`, embedding, outputs),
    ...scaleAndShift(`${name}.norm2`, outputs),
    ...convolutionParameters(`${name}.conv2`, outputs, outputs, { kernel: 3, start: ZERO_START }),
    ...(inputs === outputs ? [] : convolutionParameters(`${name}.skip`, inputs, outputs, { kernel: 1 })),
  ];
}

/**
 * x: [images, h, w, inputs], embedding: [batch, width] -> [batch, h, w, outputs].
 *
 * @param spread from images to batch
 */
export function residual(
  values: Parameters,
  name: string,
  x: tf.Tensor,
  embedding: tf.Tensor,
  { groups, dropout }: { groups: number; dropout: number },
  pass?: ScorePass,
  spread: Spread = noSpread,
): tf.Tensor4D {
  const normed = (which: string, image: tf.Tensor, added?: tf.Tensor4D) =>
    normalizeGroups(values, `${name}.${which}`, image, groups, undefined, {
      ...(added && { added }),
      activation: 'silu',
    });
  let h = spread(convolve(values, `${name}.conv1`, normed('norm1', x)));
  const shift = dense(values, `${name}.emb`, embedding);
  const added = tf.reshape(shift, [-1, 1, 1, shift.shape[1]]) as tf.Tensor4D;
  h = convolve(values, `${name}.conv2`, drop(normed('norm2', h, added), dropout, pass));
  const skip = `${name}.skip.weight` in values ? convolve(values, `${name}.skip`, x) : x;
  return tf.add(spread(skip as tf.Tensor4D), h);
}
