import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { installNpmPackages, npmPackagesMatch } from '../../../pipeline/setup/npm-packages.mjs';
import { environment, machineForTests, temporaryFolder } from './machine-for-tests.ts';

const A = { version: '1.0.0', integrity: 'sha512-a' };

/** A project with a lock file, and node_modules as npm leaves them. */
function projectWith(wanted: object, installed: Record<string, object> | null): string {
  const project = temporaryFolder();
  writeFileSync(join(project, 'package-lock.json'), JSON.stringify({ packages: { '': {}, ...wanted } }));
  if (installed === null) return project;
  for (const path of Object.keys(installed)) mkdirSync(join(project, path), { recursive: true });
  mkdirSync(join(project, 'node_modules'), { recursive: true });
  writeFileSync(join(project, 'node_modules/.package-lock.json'), JSON.stringify({ packages: installed }));
  return project;
}

describe('node_modules matches package-lock.json', () => {
  const wanted = { 'node_modules/a': A, 'node_modules/b': { version: '2.0.0', optional: true } };

  test('also without packages that are optional', () => {
    expect(npmPackagesMatch(projectWith(wanted, { 'node_modules/a': A }))).toBe(true);
  });

  test('not when it is absent', () => {
    expect(npmPackagesMatch(projectWith(wanted, null))).toBe(false);
  });

  test('not when a version or the content of a package differs', () => {
    expect(npmPackagesMatch(projectWith(wanted, { 'node_modules/a': { ...A, version: '1.0.1' } }))).toBe(
      false,
    );
    expect(npmPackagesMatch(projectWith(wanted, { 'node_modules/a': { ...A, integrity: 'sha512-b' } }))).toBe(
      false,
    );
  });

  test('not when a package is missing, in the list or on the disk', () => {
    expect(npmPackagesMatch(projectWith(wanted, {}))).toBe(false);
    const project = projectWith(wanted, { 'node_modules/a': A });
    rmSync(join(project, 'node_modules/a'), { recursive: true });
    expect(npmPackagesMatch(project)).toBe(false);
  });

  test('not when the list was cut off', () => {
    const project = projectWith(wanted, { 'node_modules/a': A });
    writeFileSync(join(project, 'node_modules/.package-lock.json'), '{"packages": {');
    expect(npmPackagesMatch(project)).toBe(false);
  });
});

describe('installNpmPackages', () => {
  /** A project that needs one package, which lies beside it; its install script must not run. */
  function projectWithLocalPackage(): string {
    const project = temporaryFolder();
    mkdirSync(join(project, 'part'));
    const part = { name: 'part', version: '1.0.0', scripts: { install: 'touch ran' } };
    writeFileSync(join(project, 'part/package.json'), JSON.stringify(part));
    writeFileSync(join(project, 'package.json'), JSON.stringify({ dependencies: { part: 'file:part' } }));
    writeFileSync(join(project, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages: {} }));
    return project;
  }

  test('installs, runs no script and leaves the lock file alone', async () => {
    const machine = machineForTests({ project: projectWithLocalPackage() });
    await installNpmPackages(machine);
    expect(existsSync(join(machine.project, 'node_modules/part/package.json'))).toBe(true);
    expect(existsSync(join(machine.project, 'part/ran'))).toBe(false);
    expect(readFileSync(join(machine.project, 'package-lock.json'), 'utf8')).toBe(
      '{"lockfileVersion":3,"packages":{}}',
    );
    expect(machine.lines).toEqual(['Installing npm packages ...']);
  });

  test('a registry that does not answer', async () => {
    const project = temporaryFolder();
    writeFileSync(join(project, 'package.json'), JSON.stringify({ dependencies: { part: '1.0.0' } }));
    const env = environment({ npm_config_registry: 'http://127.0.0.1:9', npm_config_fetch_retries: '0' });
    const machine = machineForTests({ project, env });
    await expect(installNpmPackages(machine)).rejects.toThrow(
      new RegExp(
        `^Expected npm to install the packages of package-lock\\.json, it ended with code 1 \\(npm error code ECONNREFUSED\\): check the network and npm's registry setting, then run the command again; its whole output is in ${machine.cache}/logs/npm-[^ ]*\\.log\\.$`,
      ),
    );
    const [log] = readdirSync(join(machine.cache, 'logs'));
    expect(readFileSync(join(machine.cache, 'logs', log as string), 'utf8')).toContain(
      'http://127.0.0.1:9/part',
    );
  });
});
