/** Pooling over the pixels of an image, channels last. Windows that reach beyond the image are left out. */
import { tf } from '../../tensor/tf.ts';
import { type Layer, pure } from './layer.ts';

/** [batch, h, w, c] -> [batch, c]: the mean over all pixels. */
export const globalAveragePool: Layer = pure((x) => tf.mean(x, [1, 2]));

/** [batch, h, w, c] -> [batch, h', w', c] with h' = ⌊(h − size) / stride⌋ + 1, w' alike. */
export function averagePool(size: number, stride: number): Layer {
  return pure((x) => tf.avgPool(x as tf.Tensor4D, size, stride, 'valid'));
}

/** As {@link averagePool}, with the largest value of each window. */
export function maxPool(size: number, stride: number): Layer {
  return pure((x) => tf.maxPool(x as tf.Tensor4D, size, stride, 'valid'));
}
