/**
 * Matrix products of stacks of matrices. tfjs's gradient is right for one cotangent; this one also takes several
 * copies, each against the same saved factor, in one kernel.
 */
import { FLOAT32, runKernel } from '../tensor/kernel.ts';
import { tf } from '../tensor/tf.ts';
import { apart, copiesIn, sumOfCopies, together } from './copies.ts';
import { defineOp, type Op } from './define-op.ts';

interface Attributes {
  transposeA: boolean;
  transposeB: boolean;
}

/** [copies, ..., n, k] × [..., k, m]: either factor, or both, may hold copies in front; the other serves them all. */
const product: Op<'a' | 'b', Attributes> = defineOp({
  name: 'MatMulOfCopies',
  inputs: ['a', 'b'],
  forward: ({ a, b }, { transposeA, transposeB }) =>
    runKernel('BatchMatMulV2', { T: FLOAT32, adj_x: transposeA, adj_y: transposeB }, [a, b]),
  gradient: ([dy], { inputs: { a, b } }, attrs) => {
    const { ofA, ofB } = gradientsOf(dy!, a, b, attrs);
    return { a: () => sumOfCopies(ofA(), a.shape), b: () => sumOfCopies(ofB(), b.shape) };
  },
});

const multiply = (a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean) =>
  product.run({ a, b }, { transposeA, transposeB })[0]!;

/** With C = A B: dA = dC Bᵀ and dB = Aᵀ dC, and so on for transposed factors. */
function gradientsOf(dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor, { transposeA, transposeB }: Attributes) {
  return {
    ofA: () => (transposeA ? multiply(b, dy, transposeB, true) : multiply(dy, b, false, !transposeB)),
    ofB: () => (transposeB ? multiply(dy, a, true, transposeA) : multiply(a, dy, !transposeA, false)),
  };
}

export function registerMatMul(): void {
  product.register();
  const { gradFunc } = tf.getGradient('BatchMatMul');
  tf.registerGradient({
    kernelName: 'BatchMatMul',
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, [a, b], attrs) => {
      const { transposeA, transposeB } = attrs as unknown as Attributes;
      const lead = transposeA ? a!.shape.at(-1)! : a!.shape.at(-2)!;
      const one = [...a!.shape.slice(0, -2), lead, transposeB ? b!.shape.at(-2)! : b!.shape.at(-1)!];
      const whole = gradFunc(dy, [a!, b!], attrs) as { a: () => tf.Tensor; b: () => tf.Tensor };
      if (copiesIn(dy as tf.Tensor, one) === 1) return whole;
      const { ofA, ofB } = gradientsOf(apart(dy as tf.Tensor, one), a!, b!, { transposeA, transposeB });
      return {
        // Rows of all copies against one matrix are one product.
        a: () => (a!.rank === 2 && !transposeA ? whole.a() : together(ofA(), a!.shape)),
        b: () => together(ofB(), b!.shape),
      };
    },
  });
}
