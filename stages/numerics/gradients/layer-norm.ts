/** Layer normalization over the last axis, with its gradient in closed form. */

import { tf } from '../tensor/tf.ts';
import { sumToShape } from './broadcasting.ts';
import { apart, together } from './copies.ts';
import { defineOp } from './define-op.ts';

interface Attributes {
  epsilon: number;
}

/** x̂ = (x - mean) r and r = 1/√(var + ε), over the last axis. */
function normalize(x: tf.Tensor, epsilon: number) {
  const centered = tf.sub(x, tf.mean(x, -1, true));
  const r = tf.rsqrt(tf.add(tf.mean(tf.square(centered), -1, true), epsilon));
  return { xhat: tf.mul(centered, r), r };
}

/** y, and x̂ and r as constants. */
const layerNormOp = defineOp<'x' | 'gamma' | 'beta', Attributes>({
  name: 'LayerNorm',
  inputs: ['x', 'gamma', 'beta'],
  outputCount: 3,
  forward: ({ x, gamma, beta }, { epsilon }) => {
    const { xhat, r } = normalize(x, epsilon);
    return [tf.add(tf.mul(xhat, gamma), beta), xhat, r];
  },
  // With g = γ dy: dx = r (g - mean(g) - x̂ mean(g x̂)).
  gradient: ([dy], { inputs: { x, gamma, beta }, outputs }, { epsilon }) => {
    const onTape = tf.engine().isTapeOn();
    const { xhat, r } = onTape ? normalize(x, epsilon) : { xhat: outputs[1]!, r: outputs[2]! };
    return {
      x: () => {
        const g = tf.mul(apart(dy!, x.shape), gamma);
        const along = tf.mul(xhat, tf.mean(tf.mul(g, xhat), -1, true));
        return together(tf.mul(r, tf.sub(tf.sub(g, tf.mean(g, -1, true)), along)), x.shape);
      },
      gamma: () => sumToShape(tf.mul(dy!, xhat), gamma.shape),
      beta: () => sumToShape(dy!, beta.shape),
    };
  },
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
}
