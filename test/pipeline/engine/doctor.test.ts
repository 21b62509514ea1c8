import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { renderReport } from '../../../pipeline/commands/doctor.ts';
import { cpuFeatures } from '../../../pipeline/engine/cpu.ts';
import { examine } from '../../../pipeline/engine/doctor.ts';
import { probeEngine } from '../../../pipeline/engine/probe-engine.ts';
import { thisMachine } from '../../../pipeline/setup/machine.mjs';
import { run } from '../../../pipeline/setup/programs.mjs';
import { MNIST_FILES } from '../../../store/datasets/mnist.ts';
import { environment, machineForTests, temporaryFolder } from '../setup/machine-for-tests.ts';

/** A data directory with MNIST's four files and nothing else. */
function dataWithMnist(): string {
  const data = temporaryFolder();
  mkdirSync(join(data, 'mnist'));
  for (const name of MNIST_FILES) writeFileSync(join(data, 'mnist', `${name}.gz`), '');
  return data;
}

describe('examine', () => {
  test('on this machine: the engine answers, data sets are found, nothing is missing, in 80 columns', async () => {
    const report = await examine({ dataDirectory: dataWithMnist() });
    expect(report.missing).toEqual([]);
    expect(report.engine.running).toEqual({
      name: 'tensorflow',
      tensorflow: '2.21.0',
      threads: 1,
      precision: 'float32',
      devices: ['CPU:0'],
      kernels: expect.stringMatching(/^(avx512|avx2|plain)$/),
    });
    const found = report.data.sets.filter((set) => set.found);
    expect(found.map(({ name }) => name).sort()).toEqual(['mnist', 'mnist-distractor', 'usps']);
    expect(report.cpu.cores).toBeGreaterThan(0);
    expect(report.memory.totalBytes).toBeGreaterThan(1e9);

    const lines = renderReport(report);
    const longLinesOfText = lines.filter((line) => line.length > 80 && line.trim().includes(' '));
    expect(longLinesOfText).toEqual([]);
    expect(lines.join(' ').replace(/ +/g, ' ')).toContain(
      ' usps, mnist, mnist-distractor found; `pipeline data list` tells of all ',
    );
    expect(lines.at(-1)).toBe('Nothing is missing.');

    const told = (features: string[]) =>
      renderReport({ ...report, cpu: { ...report.cpu, features } }).join('\n');
    const indent = ' '.repeat(12);
    expect(told(['amx_bf16'])).toContain(`${indent}multiplies in bfloat16 (precision may be bfloat16)\n`);
    expect(told(['avx2'])).toContain(`${indent}does not multiply in bfloat16 (precision must be float32)\n`);
  });

  test('on a bare machine: everything that is missing, each with what to do', async () => {
    const project = temporaryFolder();
    const packageFolder = join(project, 'node_modules/@tensorflow/tfjs-node-gpu');
    mkdirSync(packageFolder, { recursive: true });
    writeFileSync(join(packageFolder, 'package.json'), JSON.stringify({ version: '4.22.0' }));
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'bare', version: '1.2.3' }));
    const machine = machineForTests({ project, env: { PATH: '' } });
    const report = await examine({ dataDirectory: join(project, 'data'), machine });
    expect(report.package).toBe('bare 1.2.3');
    expect(report.tools).toEqual({ python: null, pip: null, compiler: null, make: null });
    expect(report.cache).toEqual({ directory: machine.cache, bytes: 0 });
    expect(report.missing).toEqual([
      'The TensorFlow engine is not installed yet: `npm start` or `pipeline run` installs it.',
      expect.stringMatching(/^Expected the program `python3` on the PATH, found none: /),
      expect.stringMatching(/^Expected a C\+\+ compiler and `make` on the PATH /),
      `Expected the bundled USPS digits in ${project}/store/datasets/bundled/usps/usps.bz2, found none: restore the file from the repository.`,
    ]);
    const text = renderReport(report);
    expect(text).toContain('python      not found');
    expect(text).toContain('devices     unknown, as the engine does not run');
  });
});

test('the command prints JSON alone, without the lines that TensorFlow writes', async () => {
  const { project } = thisMachine();
  const command = pathToFileURL(join(project, 'pipeline/commands/doctor.ts')).href;
  const script = `
    import yargs from 'yargs';
    import { doctorCommand } from '${command}';
    await yargs(['doctor', '--json']).command(doctorCommand).parseAsync();`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const { code, output } = await run(process.execPath, args, { env: process.env, cwd: project });
  expect(JSON.parse(output)).toMatchObject({
    package: 'pag-pipeline 0.1.0',
    engine: { running: { tensorflow: '2.21.0' } },
  });
  expect(code).toBe(0);
});

test('an engine that fails while it is loaded is reported, not thrown as a crash', async () => {
  await expect(probeEngine(environment({ NODE_OPTIONS: '--require /nowhere/x.cjs' }))).rejects.toMatchObject({
    code: 'ENGINE_WRONG',
    message:
      "Expected TensorFlow to load, its process ended with code 1 (Error: Cannot find module '/nowhere/x.cjs'): delete node_modules/@tensorflow/tfjs-node-gpu/deps and run `npm start`, which installs it anew.",
  });
});

test('CUDA without a graphics card is reported as missing', async () => {
  await expect(probeEngine(environment({ PAG_ENGINE: 'cuda' }))).rejects.toMatchObject({
    code: 'ENGINE_WRONG',
    message: expect.stringMatching(
      /^Expected a graphics card, as PAG_ENGINE is `cuda`, but TensorFlow found only CPU:0: /,
    ),
  });
});

test('of the features of a processor, those that matter', () => {
  expect(cpuFeatures('flags\t\t: fpu sse2 avx2 fma avx512f amx_bf16\n')).toEqual([
    'avx2',
    'fma',
    'avx512f',
    'amx_bf16',
  ]);
  expect(cpuFeatures('Features\t: fp asimd bf16\n')).toEqual(['asimd', 'bf16']);
});
