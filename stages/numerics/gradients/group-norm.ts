/**
 * Group normalization of NHWC images with few passes over memory: only sums over space touch whole images, groups
 * are formed of the small [batch, channels] tables, and y = A x + B with A and B per image and channel.
 */
import { tf } from '../tensor/tf.ts';
import { defineOp } from './define-op.ts';

interface Attributes {
  groups: number;
  epsilon: number;
}

/** Tables per image and channel [batch, 1, 1, c], equal within a group. */
interface Statistics {
  mean: tf.Tensor;
  /** 1/√(var + ε) */
  r: tf.Tensor;
}

const space = [1, 2];

/** Mean over groups of channels of a table [batch, 1, 1, c], given back to every channel of the group. */
function groupMean(table: tf.Tensor, groups: number): tf.Tensor {
  const [batch, , , c] = table.shape as [number, number, number, number];
  const means = tf.mean(tf.reshape(table, [batch, groups, c / groups]), 2, true);
  return tf.reshape(tf.tile(means, [1, 1, c / groups]), [batch, 1, 1, c]);
}

/** The squared differences are taken from the mean, as E[x²] - E[x]² has no digits left where |mean| >> std. */
function statisticsOf(x: tf.Tensor, { groups, epsilon }: Attributes): Statistics {
  const mean = groupMean(tf.mean(x, space, true), groups);
  const variance = groupMean(tf.mean(tf.squaredDifference(x, mean), space, true), groups);
  return { mean, r: tf.rsqrt(tf.add(variance, epsilon)) };
}

/** y, and the statistics as constants. */
const groupNormOp = defineOp<'x' | 'gamma' | 'beta', Attributes>({
  name: 'GroupNorm',
  inputs: ['x', 'gamma', 'beta'],
  outputCount: 3,
  forward: ({ x, gamma, beta }, attrs) => {
    const { mean, r } = statisticsOf(x, attrs);
    const scale = tf.mul(r, gamma);
    return [tf.add(tf.mul(x, scale), tf.sub(beta, tf.mul(mean, scale))), mean, r];
  },
  // With g = γ dy and E the mean over a group: dx = r (g - E[g] - x̂ E[g x̂]).
  gradient: ([dy], { inputs: { x, gamma }, outputs }, attrs) => {
    const onTape = tf.engine().isTapeOn();
    const { mean, r } = onTape ? statisticsOf(x, attrs) : { mean: outputs[1]!, r: outputs[2]! };
    const count = x.shape[1]! * x.shape[2]!;
    const dySum = tf.sum(dy!, space, true);
    const dyDotXhat = tf.mul(tf.sub(tf.sum(tf.mul(dy!, x), space, true), tf.mul(mean, dySum)), r);
    return {
      x: () => {
        const ofG = groupMean(tf.mul(tf.mul(dySum, gamma), 1 / count), attrs.groups);
        const ofXhat = groupMean(tf.mul(tf.mul(dyDotXhat, gamma), 1 / count), attrs.groups);
        const slope = tf.mul(tf.square(r), ofXhat);
        const offset = tf.sub(tf.mul(mean, slope), tf.mul(r, ofG));
        return tf.add(tf.sub(tf.mul(dy!, tf.mul(r, gamma)), tf.mul(x, slope)), offset);
      },
      gamma: () => tf.sum(dyDotXhat, [0, 1, 2]),
      beta: () => tf.sum(dySum, [0, 1, 2]),
    };
  },
});

/**
 * Group normalization. Wu and He 2018.
 * @param x [batch, height, width, c]
 * @param gamma [c]
 * @param beta [c]
 * @param groups number of groups; divides c; channels of a group are neighbours
 * @param epsilon added to the biased variance
 */
export function groupNorm(
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  groups: number,
  epsilon: number,
): tf.Tensor4D {
  return groupNormOp.run({ x, gamma, beta }, { groups, epsilon })[0] as tf.Tensor4D;
}

export function registerGroupNorm(): void {
  groupNormOp.register();
}
