/**
 * What attacks climb, as functions of the logits z with their gradients by z in closed form, so that the tape ends at
 * the logits. y is the true class, t a target, π the classes by falling logit.
 */
import { tf } from '../tensor/tf.ts';
import type { LossName, Problem, Query } from './attack.ts';

/** Values and gradients of a batch. */
interface LossAndGradient {
  /** [batch] */
  loss: tf.Tensor1D;
  /** By the logits, [batch, classes]. */
  gradient: tf.Tensor2D;
}

/**
 * @param z logits, [batch, classes]
 * @param label y as [batch, classes]
 * @param target t as [batch, classes]; zeros where there is none
 */
type Loss = (z: tf.Tensor2D, label: tf.Tensor2D, target: tf.Tensor2D) => LossAndGradient;

/** Keeps the denominators of DLR from 0, as the official code does. */
const TINY = 1e-12;

/** Σ z · mask of each row, [batch, 1]. */
const pick = (z: tf.Tensor, mask: tf.Tensor): tf.Tensor2D => tf.sum(tf.mul(z, mask), 1, true);

const flat = (column: tf.Tensor) => tf.reshape(column, [-1]) as tf.Tensor1D;

/** More than logits differ by. */
const FAR = 1e30;

/** The class of the largest logit, the first of equal ones, as [batch, classes]. */
function top(z: tf.Tensor): tf.Tensor2D {
  const indices = tf.argMax(z, 1) as tf.Tensor1D;
  return tf.cast(tf.oneHot(indices, z.shape[1]!), 'float32') as tf.Tensor2D;
}

/** Logits with one class of each row moved behind all others. */
const without = (z: tf.Tensor, classes: tf.Tensor) => tf.sub(z, tf.mul(classes, FAR));

/** The class of each rank, from 0, as [batch, classes]; `ranks` of them. */
function ranked(z: tf.Tensor, ranks: number): tf.Tensor2D[] {
  const first = top(z);
  return ranks === 1 ? [first] : [first, ...ranked(without(z, first), ranks - 1)];
}

/** The largest class but y, as [batch, classes]. */
const runnerUp = (z: tf.Tensor2D, label: tf.Tensor2D) => top(without(z, label));

/** log Σ exp z, [batch, 1], and the softmax. */
function softmax(z: tf.Tensor2D): { level: tf.Tensor; shares: tf.Tensor } {
  const top = tf.max(z, 1, true);
  const powers = tf.exp(tf.sub(z, top));
  const sum = tf.sum(powers, 1, true);
  return { level: tf.add(tf.log(sum), top), shares: tf.div(powers, sum) };
}

/** −(z_y − z_o) / D, with D = z · scale. */
function ratio(z: tf.Tensor2D, label: tf.Tensor2D, other: tf.Tensor2D, scale: tf.Tensor): LossAndGradient {
  const denominator = tf.add(pick(z, scale), TINY);
  const direction = tf.sub(other, label);
  const value = tf.div(pick(z, direction), denominator);
  const gradient = tf.div(tf.sub(direction, tf.mul(value, scale)), denominator) as tf.Tensor2D;
  return { loss: flat(value), gradient };
}

export const losses: Record<LossName, Loss> = {
  /** Cross entropy: log Σ exp z − z_y. */
  ce(z, label) {
    const { level, shares } = softmax(z);
    return { loss: flat(tf.sub(level, pick(z, label))), gradient: tf.sub(shares, label) };
  },
  /** Minus the cross entropy of the target. */
  'ce-targeted'(z, _label, target) {
    const { level, shares } = softmax(z);
    return { loss: flat(tf.sub(pick(z, target), level)), gradient: tf.sub(target, shares) };
  },
  /** Difference of logits ratio (Croce and Hein 2020, eq. 5): −(z_y − max_{i ≠ y} z_i) / (z_π1 − z_π3). Needs three classes. */
  dlr(z, label) {
    const [first, , third] = ranked(z, 3);
    return ratio(z, label, runnerUp(z, label), tf.sub(first!, third!));
  },
  /** Targeted DLR (eq. 6): −(z_y − z_t) / (z_π1 − (z_π3 + z_π4) / 2). Needs four classes. */
  'dlr-targeted'(z, label, target) {
    const [first, , third, fourth] = ranked(z, 4);
    return ratio(z, label, target, tf.sub(first!, tf.mul(tf.add(third!, fourth!), 0.5)));
  },
  /** The margin of Carlini and Wagner 2017 (f₆ with κ = ∞): max_{i ≠ y} z_i − z_y. */
  margin(z, label) {
    const gradient = tf.sub(runnerUp(z, label), label) as tf.Tensor2D;
    return { loss: flat(pick(z, gradient)), gradient };
  },
  /** z_t − z_y: 0 on the border between both classes. */
  difference(z, label, target) {
    const gradient = tf.sub(target, label) as tf.Tensor2D;
    return { loss: flat(pick(z, gradient)), gradient };
  },
};

/** Classes that a loss needs at least. */
export const CLASSES_NEEDED: Record<LossName, number> = {
  ce: 2,
  'ce-targeted': 2,
  dlr: 3,
  'dlr-targeted': 4,
  margin: 2,
  difference: 2,
};

/** Losses that a configuration names, and their forms for a target. */
const TARGETED = { ce: 'ce-targeted', dlr: 'dlr-targeted', margin: 'difference' } as const;

export type ClimbedLoss = keyof typeof TARGETED;

/** What to ask for to climb a loss: itself, or with a target its form for that. */
export function lossFor(loss: ClimbedLoss, { target }: Pick<Problem, 'target'>): Omit<Query, 'x'> {
  return target === null ? { loss } : { loss: TARGETED[loss], target };
}
