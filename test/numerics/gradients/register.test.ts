import { describe, expect, it } from 'vitest';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { FLOAT32, runKernel } from '../../../stages/numerics/tensor/kernel.ts';
import { tf } from '../../support/engine.ts';

describe('registerGradients', () => {
  it('replaces tfjs gradients, once', () => {
    const original = tf.getGradient('Exp');
    registerGradients();
    const ours = tf.getGradient('Exp');
    expect(ours).not.toBe(original);
    registerGradients();
    expect(tf.getGradient('Exp')).toBe(ours);
  });
});

describe('runKernel', () => {
  it('reaches a kernel that tfjs does not wrap', () => {
    const [y] = runKernel('ReluGrad', { T: FLOAT32 }, [tf.tensor1d([5, 6]), tf.tensor1d([-1, 1])]);
    expect([...y!.dataSync()]).toEqual([0, 6]);
  });

  it('passes attributes of every kind', () => {
    const shape = tf.tensor1d([2, 2], 'int32');
    const [ones] = runKernel('Fill', { T: FLOAT32, index_type: { dtype: 'int32' } }, [shape, tf.scalar(1)]);
    expect([...ones!.dataSync()]).toEqual([1, 1, 1, 1]);
    const [leaky] = runKernel('LeakyRelu', { T: FLOAT32, alpha: { float: 0.5 } }, [tf.tensor1d([-2])]);
    expect([...leaky!.dataSync()]).toEqual([-1]);
    const [mean] = runKernel('Mean', { T: FLOAT32, Tidx: { dtype: 'int32' }, keep_dims: true }, [
      tf.tensor2d([[1, 3]]),
      tf.tensor1d([1], 'int32'),
    ]);
    expect(mean!.shape).toEqual([1, 1]);
    const pool = { ksize: { ints: [1, 2, 1, 1] }, strides: { ints: [1, 2, 1, 1] }, padding: 'VALID' };
    const [pooled] = runKernel('MaxPool', { T: FLOAT32, ...pool }, [tf.tensor4d([1, 7], [1, 2, 1, 1])]);
    expect([...pooled!.dataSync()]).toEqual([7]);
    const [packed] = runKernel('Pack', { T: FLOAT32, N: { int: 2 }, axis: { int: 0 } }, [
      tf.scalar(1),
      tf.scalar(2),
    ]);
    expect([...packed!.dataSync()]).toEqual([1, 2]);
  });

  it('returns every output', () => {
    const outputs = runKernel(
      'TopKV2',
      { T: FLOAT32, sorted: true },
      [tf.tensor1d([3, 9, 5]), tf.scalar(2, 'int32')],
      2,
    );
    expect(outputs.map((output) => [...output.dataSync()])).toEqual([
      [9, 5],
      [1, 2],
    ]);
  });

  it('says when another engine is active', async () => {
    const x = tf.scalar(1);
    await tf.setBackend('cpu');
    try {
      expect(() => runKernel('Relu', { T: FLOAT32 }, [x])).toThrow(
        expect.objectContaining({
          code: 'ENGINE_WRONG',
          message:
            'Expected the TensorFlow engine for the kernel Relu, found the backend "cpu". ' +
            'Register the engine before any numerics run; `pipeline doctor` shows its state.',
        }),
      );
    } finally {
      await tf.setBackend('tensorflow');
    }
  });
});
