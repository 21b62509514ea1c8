/** Which kernels are loaded, and that those for older processors compute the same. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { examineCpu } from '../../../pipeline/engine/cpu.ts';
import { loadOwnKernels } from '../../../pipeline/engine/own-kernels.ts';
import { enginePaths } from '../../../pipeline/setup/engine.mjs';
import { kernelLevels } from '../../../pipeline/setup/kernels.mjs';
import { thisMachine } from '../../../pipeline/setup/machine.mjs';
import { run } from '../../../pipeline/setup/programs.mjs';

const { features } = examineCpu();
const able = kernelLevels(process.arch).filter(({ needs }) => needs.every((name) => features.includes(name)));

/** Prints what a process with the kernels of a level computes. */
const scriptOf = (project: string, folder: string, needs: readonly string[]) => `
  const url = (path) => new URL(path, '${pathToFileURL(join(project, 'package.json')).href}').href;
  process.env.TF_CPP_MIN_LOG_LEVEL = '2';
  const { createRequire } = await import('node:module');
  createRequire(url('package.json'))('@tensorflow/tfjs-node-gpu');
  const { tf } = await import(url('stages/numerics/tensor/tf.ts'));
  await tf.setBackend('tensorflow');
  const { loadOwnKernels } = await import(url('pipeline/engine/own-kernels.ts'));
  const level = loadOwnKernels('${folder}', ${JSON.stringify(needs)});
  const { runKernel, FLOAT32 } = await import(url('stages/numerics/tensor/kernel.ts'));
  const wave = (sides, rate) => tf.sin(tf.mul(tf.range(0, sides.reduce((a, b) => a * b, 1)), rate)).reshape(sides);
  const [x, none] = [wave([2, 7, 6, 20], 0.7), tf.zeros([0])];
  const table = wave([20], 0.3);
  const [h] = runKernel('PagGroupNorm', { T: FLOAT32, groups: { int: 5 }, epsilon: { float: 1e-5 }, silu: true },
    [x, table, table, none, none, none]);
  const [y] = runKernel('PagConvolution', { T: FLOAT32, relu: true }, [h, wave([3, 3, 20, 21], 1.1), none, none]);
  process.stdout.write('result ' + JSON.stringify({ level, values: [...y.dataSync()].slice(0, 200) }) + '\\n');`;

test('the fastest that the processor can run is loaded, and all of them compute the same', async () => {
  const machine = thisMachine();
  const { kernels } = enginePaths(machine);
  const results = [];
  for (const { name, needs } of able) {
    const args = ['--import', 'tsx', '--input-type=module', '-e', scriptOf(machine.project, kernels, needs)];
    const { output } = await run(process.execPath, args, { env: process.env, cwd: machine.project });
    const result = JSON.parse(/^result (.*)$/m.exec(output)?.[1] ?? output) as {
      level: string;
      values: number[];
    };
    expect(result.level).toBe(name);
    expect(result.values.some((value) => value > 1)).toBe(true);
    results.push(result.values);
  }
  const [first, ...others] = results;
  for (const values of others) {
    for (const [i, value] of values.entries()) expect(Math.abs(value - first![i]!)).toBeLessThan(2e-5);
  }
  expect(results).toHaveLength(able.length);
});

test('not installed', () => {
  const [level] = able;
  expect(() => loadOwnKernels('/nowhere', features)).toThrow(
    `Expected kernels for TensorFlow in /nowhere/kernels-${level!.name}.node, found none: run \`npm start\`, which compiles them.`,
  );
});
