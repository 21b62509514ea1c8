/** Pooling over the pixels of an image, channels last. */
import { tf } from '../../tensor/tf.ts';
import { type Layer, pure } from './layer.ts';

/** [batch, h, w, c] -> [batch, c]: the mean over all pixels. */
export const globalAveragePool: Layer = pure((x) => tf.mean(x, [1, 2]));
