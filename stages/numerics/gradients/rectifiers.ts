/**
 * Functions made of straight pieces: relu, relu6, leakyRelu, abs, clipByValue. Their gradient is dy times a mask,
 * linear in dy and constant in x, so the second derivative with respect to x is zero almost everywhere.
 * At a kink the slope is TensorFlow's: 0 for relu, relu6 and abs, alpha for leakyRelu, 1 for clipByValue.
 */
import { runFloatKernel } from '../tensor/kernel.ts';
import { tf } from '../tensor/tf.ts';
import { apart, copiesIn, together } from './copies.ts';
import { selfAdjoint } from './linear-map.ts';

/** dy and x -> dy · f'(x), off the tape. */
type Slope = (dy: tf.Tensor, x: tf.Tensor, attrs: tf.NamedAttrMap) => tf.Tensor;

const slopes: Record<string, Slope> = {
  Relu: (dy, x) => runFloatKernel('ReluGrad', [dy, x]),
  Relu6: (dy, x) => runFloatKernel('Relu6Grad', [dy, x]),
  LeakyRelu: (dy, x, { alpha }) =>
    runFloatKernel('LeakyReluGrad', [dy, x], { alpha: { float: alpha as number } }),
  Abs: (dy, x) => tf.mul(dy, tf.sign(x)),
  ClipByValue: (dy, x, { clipValueMin, clipValueMax }) => {
    const inside = tf.logicalAnd(
      tf.greaterEqual(x, clipValueMin as number),
      tf.lessEqual(x, clipValueMax as number),
    );
    return tf.mul(dy, tf.cast(inside, 'float32'));
  },
};

/** dy · f'(x) for every copy that dy holds; the mask is made once. */
function slopeOfCopies(slope: Slope, dy: tf.Tensor, x: tf.Tensor, attrs: tf.NamedAttrMap): tf.Tensor {
  if (copiesIn(dy, x.shape) === 1) {
    return selfAdjoint(
      dy,
      () => [x],
      (v, [at]) => slope(v, at!, attrs),
    );
  }
  return selfAdjoint(
    dy,
    () => [slope(tf.onesLike(x), x, attrs)],
    (v, [mask]) => together(tf.mul(apart(v, x.shape), mask!), x.shape),
  );
}

export function registerRectifiers(): void {
  for (const [kernelName, slope] of Object.entries(slopes)) {
    tf.registerGradient({
      kernelName,
      inputsToSave: ['x'],
      gradFunc: (dy, [x], attrs) => ({ x: () => slopeOfCopies(slope, dy as tf.Tensor, x!, attrs) }),
    });
  }
}
