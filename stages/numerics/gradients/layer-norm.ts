/**
 * Layer normalization over the last axis, with its first and second derivative in closed form.
 *
 * Per row, with mean() over its values, r = 1/√(var + ε), x̂ = (x - mean(x)) r and g = γ dy:
 *   y  = γ x̂ + β
 *   dx = P(g) = r (g - mean(g) - x̂ mean(g x̂)), which is self-adjoint in g
 * and for a cotangent v of dx, with a = mean(v x̂), b = mean(g x̂), c = mean(v g):
 *   by dy: γ P(v)
 *   by γ:  Σ over rows of dy P(v)
 *   by x:  -r² [b v + a g - (b mean(v) + a mean(g)) + x̂ (c - mean(v) mean(g) - 3 a b)]
 */

import { tf } from '../tensor/tf.ts';
import { sumToShape } from './broadcasting.ts';
import { apart, sumOfCopies, together } from './copies.ts';
import { defineOp, type Op } from './define-op.ts';

interface Attributes {
  epsilon: number;
}

/** x̂ and r of the forward pass: constants for the tape. */
interface GradientAttributes extends Attributes {
  xhat: tf.Tensor;
  r: tf.Tensor;
}

const rowMean = (t: tf.Tensor) => tf.mean(t, -1, true);

/** x̂ and r. */
function normalize(x: tf.Tensor, epsilon: number) {
  const centered = tf.sub(x, rowMean(x));
  const r = tf.rsqrt(tf.add(rowMean(tf.square(centered)), epsilon));
  return { xhat: tf.mul(centered, r), r };
}

/** mean(g) and mean(g x̂) of each row. */
interface Moments {
  mean: tf.Tensor;
  along: tf.Tensor;
}

const momentsOf = (g: tf.Tensor, xhat: tf.Tensor): Moments => ({
  mean: rowMean(g),
  along: rowMean(tf.mul(g, xhat)),
});

/** P(g). */
function project(
  g: tf.Tensor,
  { mean, along }: Moments,
  { xhat, r }: { xhat: tf.Tensor; r: tf.Tensor },
): tf.Tensor {
  return tf.mul(r, tf.sub(tf.sub(g, mean), tf.mul(xhat, along)));
}

/** dx, and as constants mean(g) and mean(g x̂). dy may hold several copies of the batch. */
const inputGradient: Op<'dy' | 'x' | 'gamma', GradientAttributes> = defineOp({
  name: 'LayerNormInputGradient',
  inputs: ['dy', 'x', 'gamma'],
  outputCount: 3,
  forward: ({ dy, x, gamma }, known) => {
    const g = apart(tf.mul(dy, gamma), x.shape);
    const moments = momentsOf(g, known.xhat);
    return [together(project(g, moments, known), x.shape), moments.mean, moments.along];
  },
  gradient: ([v], { inputs: { dy, x, gamma }, outputs: [, mean, along] }, attrs) => {
    const onTape = tf.engine().isTapeOn();
    const known = onTape ? normalize(x, attrs.epsilon) : attrs;
    const { xhat, r } = known;
    const vs = apart(v!, x.shape);
    const ofV = momentsOf(vs, xhat);
    const projected = together(project(vs, ofV, known), x.shape);
    return {
      dy: () => tf.mul(projected, gamma),
      gamma: () => sumToShape(tf.mul(dy, projected), gamma.shape),
      x: () => {
        const g = apart(tf.mul(dy, gamma), x.shape);
        const ofG = onTape ? momentsOf(g, xhat) : { mean: mean!, along: along! };
        const [a, b] = [ofV.along, ofG.along];
        const covariance = tf.sub(rowMean(tf.mul(vs, g)), tf.mul(ofV.mean, ofG.mean));
        const total = (t: tf.Tensor) => sumOfCopies(t, x.shape);
        const ofBoth = total(tf.add(tf.mul(b, vs), tf.mul(a, g)));
        const ofOne = total(tf.add(tf.mul(b, ofV.mean), tf.mul(a, ofG.mean)));
        const ofX = tf.mul(xhat, total(tf.sub(covariance, tf.mul(tf.mul(a, b), 3))));
        return tf.mul(tf.neg(tf.square(r)), tf.add(tf.sub(ofBoth, ofOne), ofX));
      },
    };
  },
});

/** y, and x̂ and r as constants. */
const layerNormOp = defineOp<'x' | 'gamma' | 'beta', Attributes>({
  name: 'LayerNorm',
  inputs: ['x', 'gamma', 'beta'],
  outputCount: 3,
  forward: ({ x, gamma, beta }, { epsilon }) => {
    const { xhat, r } = normalize(x, epsilon);
    return [tf.add(tf.mul(xhat, gamma), beta), xhat, r];
  },
  gradient: ([dy], { inputs: { x, gamma, beta }, outputs: [, xhat, r] }, { epsilon }) => ({
    x: () => inputGradient.run({ dy: dy!, x, gamma }, { epsilon, xhat: xhat!, r: r! })[0]!,
    gamma: () => {
      const along = tf.engine().isTapeOn() ? normalize(x, epsilon).xhat : xhat!;
      return sumToShape(tf.mul(dy!, along), gamma.shape);
    },
    beta: () => sumToShape(dy!, beta.shape),
  }),
});

/**
 * Layer normalization over the last axis. Ba et al. 2016.
 * @param x [..., c]
 * @param gamma [c]
 * @param beta [c]
 * @param epsilon added to the biased variance
 */
export function layerNorm<T extends tf.Tensor>(
  x: T,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  epsilon: number,
): T {
  return layerNormOp.run({ x, gamma, beta }, { epsilon })[0] as T;
}

export function registerLayerNorm(): void {
  layerNormOp.register();
  inputGradient.register();
}
