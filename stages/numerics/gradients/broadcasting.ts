/**
 * Reductions and repetitions: sum, mean, tile. Right in tfjs, but slow: it multiplies by ones made in JavaScript,
 * and undoes a tile by one slice per repetition. Also the helper that undoes broadcasting.
 */
import { FLOAT32, runKernel } from '../tensor/kernel.ts';
import { tf } from '../tensor/tf.ts';
import { copiesIn, forEachCopy } from './copies.ts';
import { linearMap } from './linear-map.ts';

/** Sums dy, the cotangent of a broadcast tensor, down to that tensor's own shape. Differentiable. */
export function sumToShape(dy: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, dy.shape);
  const summed = axes.length > 0 ? tf.sum(dy, axes) : dy;
  return tf.util.arraysEqual(summed.shape, shape) ? summed : tf.reshape(summed, shape);
}

/** Shape of a reduction over `axes` with the reduced axes kept. */
export function keptShape(shape: number[], axes: number[]): number[] {
  return shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
}

/** Repeats a tensor to a larger shape in one kernel; not recorded on the tape. */
export function broadcastRaw(x: tf.Tensor, shape: number[]): tf.Tensor {
  const target = tf.tensor1d(shape, 'int32');
  return runKernel('BroadcastTo', { T: FLOAT32, Tidx: { dtype: 'int32' } }, [x, target])[0]!;
}

/** The gradient of a sum or a mean: dy repeated over the summed axes, times `scale`. */
function spread(dy: tf.Tensor, shape: number[], axes: number[], scale: number): tf.Tensor {
  const scaled = (t: tf.Tensor) => (scale === 1 ? t : tf.mul(t, scale));
  return linearMap(
    dy,
    () => [],
    (v) => broadcastRaw(scaled(tf.reshape(v, keptShape(shape, axes))), shape),
    (v) => scaled(tf.reshape(tf.sum(v, axes), dy.shape)),
  );
}

/** Undoes a tile: each repeated axis is split into its repetitions, which are summed. */
function untile(dy: tf.Tensor, shape: number[], reps: number[]): tf.Tensor {
  const size = (lengths: number[]) => lengths.reduce((product, length) => product * length, 1);
  let sum = dy;
  // One axis at a time, seen as [before, repetitions, rest]: TensorFlow sums no more than a few axes in turn.
  shape.forEach((length, axis) => {
    if (reps[axis] === 1) return;
    const before = size(shape.slice(0, axis));
    const rest = length * size(shape.slice(axis + 1).map((after, i) => after * reps[axis + 1 + i]!));
    sum = tf.sum(tf.reshape(sum, [before, reps[axis]!, rest]), 1);
  });
  return tf.reshape(sum, shape);
}

export function registerBroadcasting(): void {
  for (const kernelName of ['Sum', 'Mean']) {
    tf.registerGradient({
      kernelName,
      inputsToSave: ['x'],
      gradFunc: (dy, [x], attrs) => ({
        x: () => {
          const { shape } = x!;
          const axes = tf.util.parseAxisParam(attrs.axis as number[], shape);
          const count = axes.reduce((product, axis) => product * shape[axis]!, 1);
          const scale = kernelName === 'Mean' ? 1 / count : 1;
          const kept =
            attrs.keepDims === true ? keptShape(shape, axes) : shape.filter((_, i) => !axes.includes(i));
          const copies = copiesIn(dy as tf.Tensor, kept);
          if (copies > 1 && !axes.includes(0)) {
            return spread(dy as tf.Tensor, [copies * shape[0]!, ...shape.slice(1)], axes, scale);
          }
          return forEachCopy(dy as tf.Tensor, kept, (part) => spread(part, shape, axes, scale));
        },
      }),
    });
  }
  tf.registerGradient({
    kernelName: 'PadV2',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => ({
      x: () => {
        const paddings = attrs.paddings as [number, number][];
        const begin = paddings.map(([before]) => before);
        const padded = x!.shape.map((size, axis) => size + paddings[axis]![0] + paddings[axis]![1]);
        const inner = (part: tf.Tensor, first: number) =>
          tf.slice(part, begin, [first, ...x!.shape.slice(1)]);
        if (padded[0] === x!.shape[0]) return inner(dy as tf.Tensor, (dy as tf.Tensor).shape[0]!);
        return forEachCopy(dy as tf.Tensor, padded, (part) => inner(part, x!.shape[0]!));
      },
    }),
  });
  tf.registerGradient({
    kernelName: 'Tile',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => ({ x: () => untile(dy as tf.Tensor, x!.shape, attrs.reps as number[]) }),
  });
}
