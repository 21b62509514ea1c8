/**
 * Functions that are constant almost everywhere: comparisons, logic, rounding, sign. Their gradient is zero.
 * tfjs has none for most of them, and a double backward pass then throws.
 */
import { tf } from '../tensor/tf.ts';

/** Names of kernels and of their inputs. */
const FLAT: readonly (readonly [inputs: readonly string[], kernels: readonly string[]])[] = [
  [
    ['a', 'b'],
    ['Greater', 'GreaterEqual', 'Less', 'LessEqual', 'Equal', 'NotEqual', 'LogicalAnd', 'LogicalOr'],
  ],
  [['x'], ['LogicalNot', 'Step', 'Sign', 'Floor', 'Ceil', 'Round', 'ArgMax', 'ArgMin']],
  [['x'], ['IsNan', 'IsInf', 'IsFinite']],
  [['indices'], ['OneHot']],
];

export function registerComparisons(): void {
  for (const [inputs, kernels] of FLAT) {
    for (const kernelName of kernels) {
      tf.registerGradient({
        kernelName,
        inputsToSave: [...inputs],
        gradFunc: (_dy, saved) =>
          Object.fromEntries(inputs.map((name, i) => [name, () => tf.zeros(saved[i]!.shape)])),
      });
    }
  }
}
