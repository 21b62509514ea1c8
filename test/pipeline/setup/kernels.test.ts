import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { installKernels, kernelLevels, kernelsName } from '../../../pipeline/setup/kernels.mjs';
import { environment, machineForTests, temporaryFolder } from './machine-for-tests.ts';

test('a compiler that fails: the whole output is named and kept, and nothing counts as built', async () => {
  const machine = machineForTests({ env: environment({ CXX: '/bin/false' }), arch: 'x64' });
  await expect(installKernels(machine, temporaryFolder())).rejects.toThrow(
    new RegExp(
      `^Expected our kernels for TensorFlow to compile, /bin/false ended with code 1 \\(no output\\): see its whole output in ${machine.cache}/logs/kernels-(avx512|avx2|plain)-${machine.host}-${process.pid}\\.log\\.$`,
    ),
  );
  expect(machine.lines).toEqual(['Compiling kernels ...']);
  expect(readdirSync(machine.cache).sort()).toEqual(['logs', 'unfinished']);
});

test('without TensorFlow’s headers the compiler says so in the log', async () => {
  const machine = machineForTests();
  const failure = await installKernels(machine, temporaryFolder()).catch((error: Error) => error.message);
  expect(failure).toMatch(/tensorflow\/c\/kernels\.h/);
  const log = /see its whole output in (\S+)\.$/.exec(String(failure))![1]!;
  expect(readFileSync(log, 'utf8')).toContain('kernels.h');
});

test('each architecture ends with a level that runs everywhere; others are in other folders', () => {
  expect(kernelLevels('x64').map(({ name }) => name)).toEqual(['avx512', 'avx2', 'plain']);
  expect(kernelLevels('arm64')).toEqual([{ name: 'plain', needs: [], flags: [] }]);
  const machine = machineForTests({ platform: 'linux', arch: 'x64' });
  expect(kernelsName(machine)).toMatch(/^engine\/kernels-[0-9a-f]{12}-tensorflow-2\.21\.0-linux-x64$/);
  expect(kernelsName({ ...machine, arch: 'arm64' })).not.toBe(kernelsName(machine));
});
