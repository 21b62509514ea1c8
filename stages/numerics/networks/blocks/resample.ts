/**
 * Halving and doubling the resolution with a filter f ⊗ f (Karras et al. 2022; Song et al. 2021 follow Zhang 2019),
 * channels last. Outside of an image are zeros. With the taps [1, 1] the one is average pooling and the other repeats pixels.
 */
import { depthwiseTransposed } from '../../gradients/depthwise-conv2d.ts';
import { tf } from '../../tensor/tf.ts';

const isBox = (taps: readonly number[]) => taps.length === 2 && taps[0] === taps[1];

/** f ⊗ f for each channel, with the sum `total`: [taps, taps, channels, 1]. */
function filterOf(taps: readonly number[], total: number, channels: number): tf.Tensor4D {
  const side = taps.length;
  const square = filterValues(taps).map((value) => value * total);
  return tf.tile(tf.tensor4d(square, [side, side, 1, 1]), [1, 1, channels, 1]);
}

/** f ⊗ f with the sum 1, row by row. */
export function filterValues(taps: readonly number[]): Float32Array {
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return Float32Array.from(taps.flatMap((row) => taps.map((column) => (row * column) / sum ** 2)));
}

/**
 * [batch, h, w, c] -> [batch, h/2, w/2, c].
 *
 * @param taps an even number of them
 * @param pad 'valid' where the image has its border already
 */
export function halve(x: tf.Tensor4D, taps: readonly number[], pad: 'same' | 'valid' = 'same'): tf.Tensor4D {
  if (isBox(taps)) return tf.avgPool(x, 2, 2, 'valid');
  return tf.depthwiseConv2d(x, filterOf(taps, 1, x.shape[3]), 2, pad);
}

/** [batch, h, w, c] -> [batch, 2h, 2w, c]: four times the adjoint of {@link halve}. */
export function double(x: tf.Tensor4D, taps: readonly number[]): tf.Tensor4D {
  const [, height, width, channels] = x.shape;
  const size: [number, number] = [2 * height, 2 * width];
  if (isBox(taps)) return tf.image.resizeNearestNeighbor(x, size);
  return depthwiseTransposed(x, filterOf(taps, 4, channels), 2, size);
}
