/** What changes from step to step as flat vectors: at the start, in a checkpoint, and as the model that is kept. */
import { initializeParameters, parameterCount } from '../numerics/tensor/parameters.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import { tf } from '../numerics/tensor/tf.ts';
import type { TrainSetting, TrainState } from './setting.ts';

/** Parameters drawn by the seed, then running statistics as they start. */
export function drawModel({ network, config }: Pick<TrainSetting, 'network' | 'config'>): Float32Array {
  const random = randomStream(config.seed ?? 0, 'train-init');
  return initializeParameters([...network.parameters, ...network.buffers], random);
}

/** @param model parameters, then running statistics */
export function stateAtStart({ network, optimizer, config }: TrainSetting, model: Float32Array): TrainState {
  const count = parameterCount(network.parameters);
  return {
    values: tf.tensor1d(model.subarray(0, count)),
    buffers: tf.tensor1d(model.subarray(count), 'float32'),
    slots: Array.from({ length: optimizer.slots }, () => tf.zeros([count]) as tf.Tensor1D),
    average: config.ema && tf.tensor1d(model),
  };
}

/** The vectors of a checkpoint. */
export function toVectors({ values, buffers, slots, average }: TrainState): Record<string, Float32Array> {
  const tensors = { values, buffers, ...(average && { average }), ...namedSlots(slots) };
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, dataOf(tensor)]));
}

/** The inverse of {@link toVectors}. */
export function fromVectors({ optimizer }: TrainSetting, vectors: Record<string, Float32Array>): TrainState {
  const tensor = (name: string) => tf.tensor1d(vectors[name]!, 'float32');
  return {
    values: tensor('values'),
    buffers: tensor('buffers'),
    slots: Array.from({ length: optimizer.slots }, (_, i) => tensor(`slot${i}`)),
    average: vectors.average && tensor('average'),
  };
}

/** What is evaluated and kept: the average where there is one. Parameters, then running statistics. */
export function modelOf({ values, buffers, average }: TrainState): Float32Array {
  return average ? dataOf(average) : tf.tidy(() => dataOf(tf.concat1d([values, buffers])));
}

function namedSlots(slots: readonly tf.Tensor1D[]): Record<string, tf.Tensor1D> {
  return Object.fromEntries(slots.map((slot, i) => [`slot${i}`, slot]));
}

function dataOf(tensor: tf.Tensor): Float32Array {
  return tensor.dataSync() as Float32Array;
}
