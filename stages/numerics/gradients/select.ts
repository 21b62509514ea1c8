/**
 * tf.where. The gradient chooses and does not multiply: an infinite cotangent of the branch not taken leaves
 * zero behind, not NaN.
 */
import { FLOAT32, runKernel } from '../tensor/kernel.ts';
import { tf } from '../tensor/tf.ts';
import { selfAdjoint } from './linear-map.ts';

function chosen(dy: tf.Tensor, condition: () => tf.Tensor): tf.Tensor {
  return selfAdjoint(
    dy,
    () => [condition()],
    (v, [where]) => runKernel('SelectV2', { T: FLOAT32 }, [where!, v, tf.scalar(0)])[0]!,
  );
}

export function registerSelect(): void {
  tf.registerGradient({
    kernelName: 'Select',
    inputsToSave: ['condition'],
    gradFunc: (dy, [condition]) => ({
      condition: () => tf.zeros(condition!.shape),
      t: () => chosen(dy as tf.Tensor, () => condition!),
      e: () => chosen(dy as tf.Tensor, () => tf.logicalNot(condition!)),
    }),
  });
}
