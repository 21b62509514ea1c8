/**
 * While a graph is recorded, nobody asks what its tensors hold, only which shapes they have. So all large tensors of one
 * shape share the memory of the first: else all that a network computes would be in memory at once.
 */
import { tf } from './tf.ts';

/** What the backend keeps of a tensor. */
interface Entry {
  /** Number of TensorFlow's tensor, or negative where there is none. */
  id: number;
  refCount: number;
}

export interface StandInBackend {
  binding: { deleteTensor(id: number): void };
  tensorMap: { get(dataId: object): Entry | undefined };
  disposeData(dataId: object, force?: boolean): boolean;
}

/** Smaller ones are left alone. */
const LEAST_BYTES = 1 << 16;

/**
 * Runs an action that may hand tensors to `replace`; from then on they hold the values of another one. All of them must
 * be disposed of when it ends.
 */
export function withStandIns<T>(backend: StandInBackend, action: (replace: (x: tf.Tensor) => void) => T): T {
  const firsts = new Map<string, tf.Tensor>();
  const replaced = new Set<object>();
  const entryOf = ({ dataId }: tf.Tensor) => backend.tensorMap.get(dataId)!;
  const replace = (x: tf.Tensor) => {
    // Whole numbers may be indices, which must stay in their range.
    if (x.dtype !== 'float32' || x.size * Float32Array.BYTES_PER_ELEMENT < LEAST_BYTES) return;
    const shape = x.shape.join();
    const first = firsts.get(shape);
    if (first === undefined) {
      firsts.set(shape, tf.keep(tf.clone(x)));
    } else if (entryOf(x) !== entryOf(first)) {
      backend.binding.deleteTensor(entryOf(x).id);
      entryOf(x).id = entryOf(first).id;
      replaced.add(x.dataId);
    }
  };
  const { disposeData } = backend;
  backend.disposeData = (dataId, force) => {
    const entry = backend.tensorMap.get(dataId);
    // The memory is not its own.
    const isLast = entry !== undefined && (force || entry.refCount <= 1);
    if (isLast && replaced.delete(dataId)) entry.id = -1;
    return disposeData.call(backend, dataId, force);
  };
  try {
    return action(replace);
  } finally {
    backend.disposeData = disposeData;
    for (const first of firsts.values()) first.dispose();
  }
}
