import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  registerEngine,
  requireDevice,
  requireInstalled,
  requireVersion,
} from '../../../pipeline/engine/register.ts';
import { thisMachine } from '../../../pipeline/setup/machine.mjs';
import { run } from '../../../pipeline/setup/programs.mjs';
import { tf } from '../../support/engine.ts';

describe('registerEngine', () => {
  test('brings up the pinned TensorFlow with one thread, and a second call answers the same', async () => {
    const info = await registerEngine();
    expect(info).toEqual({
      name: 'tensorflow',
      tensorflow: '2.21.0',
      threads: 1,
      precision: 'float32',
      devices: ['CPU:0'],
      kernels: expect.stringMatching(/^(avx512|avx2|plain)$/),
    });
    expect(await registerEngine({ threads: 2 })).toBe(info);
    await expect(registerEngine({ precision: 'bfloat16' })).rejects.toThrow(
      'the engine runs in float32 already, and cannot change to bfloat16',
    );
    expect(tf.getBackend()).toBe('tensorflow');
  });

  test('computes: a matrix product by hand', () => {
    const product = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2]));
    expect([...product.dataSync()]).toEqual([19, 22, 43, 50]);
  });

  test('works on a Node that has dropped the old functions of node:util', async () => {
    const { project } = thisMachine();
    const script = `
      import util from 'node:util';
      delete util.isNullOrUndefined;
      delete util.isArray;
      const { registerEngine } = await import('${pathToFileURL(join(project, 'pipeline/engine/register.ts')).href}');
      await registerEngine();
      const tf = await import('@tensorflow/tfjs-core');
      process.stdout.write('largest ' + tf.topk([3, 9, 4], 2).values.dataSync().join(' '));`;
    const args = ['--import', 'tsx', '--input-type=module', '-e', script];
    const { code, output } = await run(process.execPath, args, { env: process.env, cwd: project });
    expect(output).toContain('largest 9 4');
    expect(code).toBe(0);
  });
});

describe('an engine that cannot be used', () => {
  test('not installed', () => {
    expect(() => requireInstalled('/nowhere/tfjs_binding.node')).toThrow(
      /^Expected the TensorFlow binding \/nowhere\/tfjs_binding\.node, found none: run `npm start`, which installs it, or `npx pipeline doctor`, which says what is missing\.$/,
    );
  });

  test('another version', () => {
    expect(() => requireVersion('2.9.1')).toThrow(
      /^Expected TensorFlow 2\.21\.0, found 2\.9\.1: delete node_modules\/@tensorflow\/tfjs-node-gpu\/deps and run `npm start`, which installs the right one\.$/,
    );
  });

  test('CUDA without a graphics card does not fall back to the processor', () => {
    expect(() => requireDevice('cuda', ['CPU:0'])).toThrow(
      /^Expected a graphics card, as PAG_ENGINE is `cuda`, but TensorFlow found only CPU:0: check the NVIDIA driver with `nvidia-smi`, or unset PAG_ENGINE\.$/,
    );
    expect(() => requireDevice('cuda', ['CPU:0', 'GPU:0'])).not.toThrow();
    expect(() => requireDevice(undefined, ['CPU:0'])).not.toThrow();
  });
});
