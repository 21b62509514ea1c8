/**
 * max and min, as reductions and of two tensors. The gradient goes to the places that attain the extreme:
 * a reduction shares it equally among ties, maximum and minimum give it to the first argument (as TensorFlow does).
 */
import { tf } from '../tensor/tf.ts';
import { keptShape, sumToShape } from './broadcasting.ts';
import { linearMap, selfAdjoint } from './linear-map.ts';

/** Gradient of a reduction to its extreme y. */
function toExtremes(dy: tf.Tensor, x: tf.Tensor, y: tf.Tensor, axes: number[]): tf.Tensor {
  const kept = keptShape(x.shape, axes);
  const shares = () => {
    const attained = tf.cast(tf.equal(x, tf.reshape(y, kept)), 'float32');
    return [tf.div(attained, tf.sum(attained, axes, true))];
  };
  return linearMap(
    dy,
    shares,
    (v, [share]) => tf.mul(tf.reshape(v, kept), share!),
    (v, [share]) => tf.reshape(tf.sum(tf.mul(v, share!), axes), dy.shape),
  );
}

/** dy where `wins`, else 0. */
function masked(dy: tf.Tensor, wins: () => tf.Tensor): tf.Tensor {
  return selfAdjoint(
    dy,
    () => [tf.cast(wins(), 'float32')],
    (v, [mask]) => tf.mul(v, mask!),
  );
}

export function registerExtremes(): void {
  for (const [kernelName, axisName] of [
    ['Max', 'reductionIndices'],
    ['Min', 'axis'],
  ] as const) {
    tf.registerGradient({
      kernelName,
      inputsToSave: ['x'],
      outputsToSave: [true],
      gradFunc: (dy, [x, y], attrs) => ({
        x: () => {
          const axes = tf.util.parseAxisParam(attrs[axisName] as number[], x!.shape);
          return toExtremes(dy as tf.Tensor, x!, y!, axes);
        },
      }),
    });
  }
  for (const [kernelName, firstWins] of [
    ['Maximum', tf.greaterEqual],
    ['Minimum', tf.lessEqual],
  ] as const) {
    tf.registerGradient({
      kernelName,
      inputsToSave: ['a', 'b'],
      gradFunc: (dy, [a, b]) => ({
        a: () =>
          sumToShape(
            masked(dy as tf.Tensor, () => firstWins(a!, b!)),
            a!.shape,
          ),
        b: () =>
          sumToShape(
            masked(dy as tf.Tensor, () => tf.logicalNot(firstWins(a!, b!))),
            b!.shape,
          ),
      }),
    });
  }
}
