/** A pass through the network in training mode: masks of dropout, and running statistics that follow the batch's. */
import type { Classifier, TrainingPass } from '../numerics/networks/network.ts';
import { dropoutMask } from '../numerics/tensor/dropout-mask.ts';
import { joinGradients } from '../numerics/tensor/parameters.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import { tf } from '../numerics/tensor/tf.ts';
import type { TrainSetting } from './setting.ts';

/** PyTorch's share of the batch's statistics in the running ones. */
const STATISTICS_MOMENTUM = 0.1;

/** A pass whose masks depend on (seed, step, image, place in the network) alone. */
export function beginPass({ config }: TrainSetting, images: Uint32Array, step: number): TrainingPass {
  let masks = 0;
  return {
    statistics: new Map(),
    dropoutMask(shape, rate) {
      const place = masks++;
      return dropoutMask(shape, rate, (i) =>
        randomStream(config.seed ?? 0, 'train-dropout', step, images[i]!, place),
      );
    },
  };
}

/** Running statistics after a pass. Only a network without batch norm leaves them as they are. */
export function followStatistics(network: Classifier, buffers: tf.Tensor1D, pass: TrainingPass): tf.Tensor1D {
  if (network.buffers.length === 0) return tf.clone(buffers);
  const ofBatch = joinGradients(network.buffers.map(({ name }) => pass.statistics.get(name)!));
  return tf.add(tf.mul(buffers, 1 - STATISTICS_MOMENTUM), tf.mul(ofBatch, STATISTICS_MOMENTUM));
}
