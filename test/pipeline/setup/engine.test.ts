import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { installBinding } from '../../../pipeline/setup/binding.mjs';
import { engineIsInstalled, enginePaths, installEngine } from '../../../pipeline/setup/engine.mjs';
import { environment, machineForTests, temporaryFolder } from './machine-for-tests.ts';

/** A checkout with the npm package, a cache that another checkout has filled, and no programs at all. */
function secondCheckout() {
  const project = temporaryFolder();
  const packageFolder = join(project, 'node_modules/@tensorflow/tfjs-node-gpu');
  mkdirSync(packageFolder, { recursive: true });
  writeFileSync(join(packageFolder, 'package.json'), JSON.stringify({ version: '4.22.0' }));
  const machine = machineForTests({
    project,
    env: { PATH: '' },
    platform: 'linux',
    arch: 'x64',
    libc: 'glibc',
  });
  const paths = enginePaths(machine);
  mkdirSync(join(paths.libraries, 'lib'), { recursive: true });
  writeFileSync(join(paths.libraries, 'lib/libtensorflow_cc.so.2'), 'library');
  mkdirSync(paths.kernels, { recursive: true });
  mkdirSync(join(paths.binding, '..'), { recursive: true });
  writeFileSync(paths.binding, 'binding');
  return { machine, paths };
}

describe('installEngine', () => {
  test('a second checkout needs two links and one copy: no Python, no compiler, no network', async () => {
    const { machine, paths } = secondCheckout();
    expect(engineIsInstalled(paths)).toBe(false);
    await installEngine(machine);
    expect(engineIsInstalled(paths)).toBe(true);
    expect(realpathSync(paths.libraryLink)).toBe(realpathSync(paths.libraries));
    expect(realpathSync(paths.kernelLink)).toBe(realpathSync(paths.kernels));
    expect(readFileSync(paths.bindingCopy, 'utf8')).toBe('binding');
    expect(machine.lines).toEqual([]);
  });

  test('takes the place of an engine installed by hand, and leaves no temporary file', async () => {
    const { machine, paths } = secondCheckout();
    mkdirSync(join(paths.libraryLink, 'lib'), { recursive: true });
    mkdirSync(join(paths.bindingCopy, '..'), { recursive: true });
    writeFileSync(paths.bindingCopy, 'another binding');
    await installEngine(machine);
    expect(engineIsInstalled(paths)).toBe(true);
    expect(readdirSync(paths.packageFolder).sort()).toEqual(['deps', 'lib', 'package.json']);
    expect(readdirSync(join(paths.bindingCopy, '..'))).toEqual(['tfjs_binding.node']);
  });

  test('another choice of engine is not the one that is installed', async () => {
    const { machine, paths } = secondCheckout();
    await installEngine(machine);
    expect(engineIsInstalled(enginePaths({ ...machine, env: { PAG_ENGINE: 'cuda' } }))).toBe(false);
    rmSync(paths.libraries, { recursive: true });
    expect(engineIsInstalled(paths)).toBe(false);
  });

  test('without the npm packages', async () => {
    const project = temporaryFolder();
    await expect(installEngine(machineForTests({ project }))).rejects.toThrow(
      `Expected the npm package @tensorflow/tfjs-node-gpu in ${project}/node_modules/@tensorflow/tfjs-node-gpu, found none: run \`npm install\` in ${project}.`,
    );
  });
});

test('a compiler that fails: the whole output is named and kept, and nothing counts as built', async () => {
  const env = environment({ CXX: '/bin/false' });
  const machine = machineForTests({ env });
  const { packageFolder } = enginePaths(machine);
  const libraries = temporaryFolder();
  const log = `${machine.cache}/logs/build-${machine.host}-${process.pid}.log`;
  await expect(installBinding(machine, packageFolder, libraries)).rejects.toThrow(
    new RegExp(
      `^Expected the TensorFlow binding to compile, the build ended with code 1 \\(.+\\): see its whole output in ${log}\\.$`,
    ),
  );
  expect(readFileSync(log, 'utf8')).toContain('tfjs_backend');
  expect(readdirSync(machine.cache).sort()).toEqual(['logs', 'unfinished']);
  expect(existsSync(join(packageFolder, 'build'))).toBe(false);
});
