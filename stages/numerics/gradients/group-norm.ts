/**
 * Group normalization of NHWC images with few passes over memory: only sums over space touch whole images, groups
 * are formed of small tables [batch, groups, channels of a group], and y = A x + B with A and B per image and
 * channel.
 */
import { FLOAT32, runKernel } from '../tensor/kernel.ts';
import { hasOwnKernels } from '../tensor/own-kernels.ts';
import { tf } from '../tensor/tf.ts';
import { defineOp } from './define-op.ts';
import { silu } from './silu.ts';

interface Attributes {
  groups: number;
  epsilon: number;
}

/** Tables [batch, groups, 1]. */
interface Statistics {
  mean: tf.Tensor;
  /** 1/√(var + ε) */
  r: tf.Tensor;
}

const space = [1, 2];

/** [batch, 1, 1, c] or [c] as a table of groups. */
const toGroups = (t: tf.Tensor, groups: number) => tf.reshape(t, [-1, groups, t.shape.at(-1)! / groups]);
/** A table of groups as [batch, 1, 1, c], to be broadcast over an image. */
const toChannels = (t: tf.Tensor) => tf.reshape(t, [t.shape[0]!, 1, 1, -1]);
const overGroup = (t: tf.Tensor) => tf.mean(t, 2, true);

/**
 * A group's variance is the mean over its channels of var + (mean - group mean)². Squared differences are taken
 * from means, as E[x²] - E[x]² has no digits left where |mean| >> std.
 */
function statisticsOf(x: tf.Tensor, { groups, epsilon }: Attributes, added?: tf.Tensor): Statistics {
  const channelMean = tf.mean(x, space, true);
  const channelVariance = tf.mean(tf.squaredDifference(x, channelMean), space, true);
  const means = toGroups(added === undefined ? channelMean : tf.add(channelMean, added), groups);
  const mean = overGroup(means);
  const between = tf.squaredDifference(means, mean);
  const variance = overGroup(tf.add(toGroups(channelVariance, groups), between));
  return { mean, r: tf.rsqrt(tf.add(variance, epsilon)) };
}

/** y, and the statistics as constants. */
const groupNormOp = defineOp<'x' | 'gamma' | 'beta', Attributes>({
  name: 'GroupNorm',
  inputs: ['x', 'gamma', 'beta'],
  outputCount: 3,
  forward: ({ x, gamma, beta }, attrs) => {
    const { mean, r } = statisticsOf(x, attrs);
    const scale = tf.mul(r, toGroups(gamma, attrs.groups));
    const shift = tf.sub(toGroups(beta, attrs.groups), tf.mul(mean, scale));
    return [tf.add(tf.mul(x, toChannels(scale)), toChannels(shift)), mean, r];
  },
  // With g = γ dy and E the mean over a group: dx = r (g - E[g] - x̂ E[g x̂]).
  gradient: ([dy], { inputs: { x, gamma }, outputs }, attrs) => {
    const onTape = tf.engine().isTapeOn();
    const { mean, r } = onTape ? statisticsOf(x, attrs) : { mean: outputs[1]!, r: outputs[2]! };
    const overSpace = (t: tf.Tensor) => toGroups(tf.sum(t, space, true), attrs.groups);
    const dySum = overSpace(dy!);
    const dyDotXhat = tf.mul(tf.sub(overSpace(tf.mul(dy!, x)), tf.mul(mean, dySum)), r);
    return {
      x: () => {
        const gammas = tf.div(toGroups(gamma, attrs.groups), x.shape[1]! * x.shape[2]!);
        const slope = tf.mul(tf.square(r), overGroup(tf.mul(dyDotXhat, gammas)));
        const shift = tf.sub(tf.mul(mean, slope), tf.mul(r, overGroup(tf.mul(dySum, gammas))));
        // Tables of groups become tables of channels by adding them to one of full width.
        const wide = (t: tf.Tensor) => toChannels(tf.add(t, tf.zerosLike(dySum)));
        const ofDy = toChannels(tf.mul(r, toGroups(gamma, attrs.groups)));
        return tf.add(tf.sub(tf.mul(dy!, ofDy), tf.mul(x, wide(slope))), wide(shift));
      },
      gamma: () => tf.reshape(tf.sum(dyDotXhat, 0), gamma.shape),
      beta: () => tf.reshape(tf.sum(dySum, 0), gamma.shape),
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

/** What stands around a norm: f(groupNorm(x + added) · scale + shift). */
export interface Modulation {
  /** [batch, 1, 1, c], as scale and shift. */
  added?: tf.Tensor4D;
  scale?: tf.Tensor4D;
  shift?: tf.Tensor4D;
  /** f; none if left out. */
  activation?: 'silu';
}

/**
 * {@link groupNorm} with what stands around it. Without a tape it goes into the tables, or all of it into one kernel, which
 * saves passes over the images; under one it is written out, so that the gradient knows it.
 */
export function modulatedGroupNorm(
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  attributes: Attributes,
  modulation: Modulation,
): tf.Tensor4D {
  const isTaped = tf.engine().isTapeOn();
  if (!isTaped && hasOwnKernels()) return inOneKernel(x, gamma, beta, attributes, modulation);
  const normed = (isTaped ? writtenOut : inTables)(x, gamma, beta, attributes, modulation);
  return modulation.activation === 'silu' ? silu(normed) : normed;
}

function inOneKernel(
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  { groups, epsilon }: Attributes,
  { added, scale, shift, activation }: Modulation,
): tf.Tensor4D {
  const none = tf.zeros([0]);
  const inputs = [x, gamma, beta, added ?? none, scale ?? none, shift ?? none];
  const attributes = {
    groups: { int: groups },
    epsilon: { float: epsilon },
    silu: activation === 'silu',
    T: FLOAT32,
  };
  return runKernel('PagGroupNorm', attributes, inputs)[0] as tf.Tensor4D;
}

function writtenOut(
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  { groups, epsilon }: Attributes,
  { added, scale, shift }: Modulation,
): tf.Tensor4D {
  const sum: tf.Tensor4D = added === undefined ? x : tf.add(x, added);
  const normed = groupNorm(sum, gamma, beta, groups, epsilon);
  const scaled: tf.Tensor4D = scale === undefined ? normed : tf.mul(normed, scale);
  return shift === undefined ? scaled : tf.add(scaled, shift);
}

function inTables(
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  attributes: Attributes,
  { added, scale, shift }: Modulation,
): tf.Tensor4D {
  const { groups } = attributes;
  const { mean, r } = statisticsOf(x, attributes, added);
  const slope = tf.mul(r, toGroups(gamma, groups));
  const center = added === undefined ? mean : tf.sub(mean, toGroups(added, groups));
  const offset = tf.sub(toGroups(beta, groups), tf.mul(center, slope));
  const [factor, rest] = [toChannels(slope), toChannels(offset)];
  const modulated = (t: tf.Tensor) => (scale === undefined ? t : tf.mul(t, scale));
  const end = shift === undefined ? modulated(rest) : tf.add(modulated(rest), shift);
  return tf.add(tf.mul(x, modulated(factor)), end);
}

export function registerGroupNorm(): void {
  groupNormOp.register();
}
