/** Batch norm with running statistics, PyTorch's `nn.BatchNorm2d` and `nn.BatchNorm1d` (Ioffe and Szegedy 2015). */
import { batchNormEval, batchNormTrain } from '../../gradients/batch-norm.ts';
import { tf } from '../../tensor/tf.ts';
import type { Layer } from './layer.ts';
import { perChannel, scaleAndShift } from './scale-and-shift.ts';

/** PyTorch's default. */
const EPSILON = 1e-5;

/**
 * [batch, h, w, channels] or [batch, channels] -> the same shape. In training with the statistics of the batch, which
 * are left in `training.statistics`; in evaluation with the buffers `running_mean` and `running_var`, both [channels].
 *
 * @param flattened as in {@link scaleAndShift}
 */
export function batchNorm(name: string, channels: number, flattened?: readonly number[]): Layer {
  const runningMean = `${name}.running_mean`;
  const runningVariance = `${name}.running_var`;
  return {
    parameters: scaleAndShift(name, channels, flattened),
    buffers: [
      perChannel(runningMean, channels, 0, flattened),
      perChannel(runningVariance, channels, 1, flattened),
    ],
    apply(values, x, training) {
      const vector = (key: string) => values[key] as tf.Tensor1D;
      const [gamma, beta] = [vector(`${name}.weight`), vector(`${name}.bias`)];
      if (training === undefined) {
        const [mean, variance] = [vector(runningMean), vector(runningVariance)];
        return batchNormEval(x as tf.Tensor4D, mean, variance, gamma, beta, EPSILON);
      }
      const image = (x.rank === 4 ? x : tf.reshape(x, [-1, 1, 1, channels])) as tf.Tensor4D;
      const { y, mean, variance } = batchNormTrain(image, gamma, beta, EPSILON);
      training.statistics.set(runningMean, mean);
      training.statistics.set(runningVariance, variance);
      return x.rank === 4 ? y : tf.reshape(y, x.shape);
    },
  };
}
