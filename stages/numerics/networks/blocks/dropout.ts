/** Dropout (Srivastava et al. 2014), inverted as in PyTorch: what is kept is scaled by 1 / (1 − rate). */
import { tf } from '../../tensor/tf.ts';
import type { TrainingPass } from '../network.ts';
import type { Layer } from './layer.ts';

/** x: [batch, ...] -> the same shape; x itself in evaluation and at rate 0. */
export function drop<T extends tf.Tensor>(
  x: T,
  rate: number,
  training: Pick<TrainingPass, 'dropoutMask'> | undefined,
): T {
  return training === undefined || rate === 0 ? x : tf.mul(x, training.dropoutMask(x.shape, rate));
}

/** {@link drop} as a layer. */
export function dropout(rate: number): Layer {
  return { parameters: [], buffers: [], apply: (_values, x, training) => drop(x, rate, training) };
}
