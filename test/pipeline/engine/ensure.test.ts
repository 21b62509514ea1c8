import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ensureEngine } from '../../../pipeline/engine/ensure.ts';
import { enginePaths } from '../../../pipeline/setup/engine.mjs';
import { machineForTests, temporaryFolder } from '../setup/machine-for-tests.ts';

/** A checkout that has the npm package and no engine. */
function projectWithoutEngine(): string {
  const project = temporaryFolder();
  const packageFolder = join(project, 'node_modules/@tensorflow/tfjs-node-gpu');
  mkdirSync(packageFolder, { recursive: true });
  writeFileSync(join(packageFolder, 'package.json'), JSON.stringify({ version: '4.22.0' }));
  return project;
}

test('installs from the cache, and then has nothing to do', async () => {
  const machine = machineForTests({ project: projectWithoutEngine() });
  const { libraries, binding, kernels } = enginePaths(machine);
  for (const folder of [libraries, kernels]) mkdirSync(folder, { recursive: true });
  mkdirSync(join(binding, '..'), { recursive: true });
  writeFileSync(binding, 'binding');
  await ensureEngine(() => expect.unreachable(), machine);
  await ensureEngine(() => expect.unreachable(), { ...machine, cache: machine.cache, env: { PATH: '' } });
});

test('without the npm packages', async () => {
  const project = temporaryFolder();
  await expect(ensureEngine(() => {}, machineForTests({ project }))).rejects.toMatchObject({
    code: 'ENGINE_MISSING',
    message: `Expected the npm package @tensorflow/tfjs-node-gpu in ${project}/node_modules/@tensorflow/tfjs-node-gpu, found none: run \`npm install\` in ${project}.`,
  });
});

test('an installation that fails', async () => {
  const machine = machineForTests({ project: projectWithoutEngine(), env: { PATH: '' } });
  await expect(ensureEngine(() => {}, machine)).rejects.toMatchObject({
    code: 'SETUP_FAILED',
    message: expect.stringMatching(/^Expected the program `python3` on the PATH, found none: /),
  });
});
