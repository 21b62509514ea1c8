/**
 * avgPool and maxPool, "same" or "valid". Average pooling is linear; maximum pooling is a choice of places, linear
 * once they are fixed. Where a window holds ties, the first place in reading order is chosen, in both directions.
 */
import { type KernelAttribute, runFloatKernel } from '../tensor/kernel.ts';
import { tf } from '../tensor/tf.ts';
import { linearMap } from './linear-map.ts';

interface PoolAttributes {
  filterSize: number | [number, number];
  strides: number | [number, number];
  pad: 'valid' | 'same' | number;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** The pool in the terms of TensorFlow's kernels. */
function kernelAttributes(shape: number[], attrs: PoolAttributes): Record<string, KernelAttribute> {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  const info = tf.backend_util.computePool2DInfo(
    shape as [number, number, number, number],
    filterSize,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  return {
    ksize: { ints: [1, info.filterHeight, info.filterWidth, 1] },
    strides: { ints: [1, info.strideHeight, info.strideWidth, 1] },
    padding: info.padInfo.type,
    data_format: 'NHWC',
  };
}

export function registerPools(): void {
  tf.registerGradient({
    kernelName: 'AvgPool',
    inputsToSave: ['x'],
    gradFunc: (dy, [x], attrs) => ({
      x: () => {
        const pool = kernelAttributes(x!.shape, attrs as unknown as PoolAttributes);
        const shape = x!.shape;
        return linearMap(
          dy as tf.Tensor,
          () => [],
          (v) => runFloatKernel('AvgPoolGrad', [tf.tensor1d(shape, 'int32'), v], pool),
          (v) => runFloatKernel('AvgPool', [v], pool),
        );
      },
    }),
  });
  tf.registerGradient({
    kernelName: 'MaxPool',
    inputsToSave: ['x'],
    outputsToSave: [true],
    gradFunc: (dy, [x, y], attrs) => ({
      x: () => {
        const pool = kernelAttributes(x!.shape, attrs as unknown as PoolAttributes);
        return linearMap(
          dy as tf.Tensor,
          () => [x!, y!],
          (v, [from, to]) => runFloatKernel('MaxPoolGrad', [from!, to!, v], pool),
          (v, [from, to]) => runFloatKernel('MaxPoolGradGrad', [from!, to!, v], pool),
        );
      },
    }),
  });
}
