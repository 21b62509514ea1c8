import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Engine, Wheel } from '../../../pipeline/setup/engine-table.mjs';
import { installLibraries } from '../../../pipeline/setup/libraries.mjs';
import { environment, machineForTests, mountTmpfs, temporaryFolder } from './machine-for-tests.ts';

const MAKE_WHEEL = `
import json, sys, zipfile
folder, name, members, padding = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
with zipfile.ZipFile(f'{folder}/{name}-1.0-py3-none-any.whl', 'w', zipfile.ZIP_DEFLATED) as archive:
    for member in members:
        archive.writestr(member, f'content of {member}' + ' ' * padding)
    archive.writestr(f'{name}-1.0.dist-info/METADATA', f'Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n')
    archive.writestr(f'{name}-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nTag: py3-none-any\\n')
    archive.writestr(f'{name}-1.0.dist-info/RECORD', '')
`;

/** Makes a small wheel with these members, each with so many spaces at its end, in a folder that serves as pip's index. */
function makeWheel(index: string, name: string, kind: Wheel['kind'], members: string[], padding = 0): Wheel {
  execFileSync('python3', ['-c', MAKE_WHEEL, index, name, JSON.stringify(members), String(padding)]);
  const content = readFileSync(join(index, `${name}-1.0-py3-none-any.whl`));
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { package: name, version: '1.0', tags: [], sha256, bytes: content.length, kind };
}

/** A machine whose pip knows only this folder. */
function machineWithIndex(index: string) {
  return machineForTests({
    env: environment({ PIP_NO_INDEX: '1', PIP_FIND_LINKS: index }),
    platform: 'linux',
  });
}

const TENSORFLOW_MEMBERS = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
  'tensorflow/include/tensorflow/c/c_api.h',
  'tensorflow/include/tensorflow/c/eager/c_api.h',
  'tensorflow/include/tsl/platform/ctstring.h',
  'tensorflow/include/eigen/Eigen.h',
  'tensorflow/python/large.so',
];

function tinyEngine(index: string): Engine {
  const wheels = [
    makeWheel(index, 'tinyflow', 'tensorflow', TENSORFLOW_MEMBERS),
    makeWheel(index, 'tinycuda', 'nvidia', [
      'nvidia/cublas/lib/libcublas.so.12',
      'nvidia/cublas/include/cublas.h',
    ]),
  ];
  return { name: 'tiny', wheels, unpackedBytes: 1000 };
}

describe('installLibraries', () => {
  test('takes the libraries and the few headers out of the wheels, and deletes the wheels', async () => {
    const index = temporaryFolder();
    const machine = machineWithIndex(index);
    const folder = await installLibraries(machine, tinyEngine(index));
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
    expect(files.sort()).toEqual([
      'include/tensorflow/c/c_api.h',
      'include/tensorflow/c/eager/c_api.h',
      'include/tsl/platform/ctstring.h',
      'lib/libtensorflow.so',
      'lib/libtensorflow_cc.so.2',
      'lib/libtensorflow_framework.so',
      'lib/libtensorflow_framework.so.2',
      'nvidia/cublas/lib/libcublas.so.12',
    ]);
    expect(readlinkSync(join(folder, 'lib/libtensorflow.so'))).toBe('libtensorflow_cc.so.2');
    expect(readFileSync(join(folder, 'lib/libtensorflow.so'), 'utf8')).toBe(
      'content of tensorflow/libtensorflow_cc.so.2',
    );
    expect(machine.lines).toEqual([
      'Downloading and unpacking tinyflow 1.0 (0 MB) ...',
      'Downloading and unpacking tinycuda 1.0 (0 MB) ...',
    ]);
  });

  test('a wheel that is not the official one is not unpacked', async () => {
    const index = temporaryFolder();
    const engine = tinyEngine(index);
    const found = engine.wheels[0]?.sha256;
    Object.assign(engine.wheels[0] as Wheel, { sha256: 'f'.repeat(64) });
    const machine = machineWithIndex(index);
    await expect(installLibraries(machine, engine)).rejects.toThrow(
      `Expected the wheel of tinyflow 1.0 to have the sha256 ${'f'.repeat(64)}, found ${found}: it is damaged or is not the official file; check pip's index setting, then run the command again.`,
    );
    expect(existsSync(join(machine.cache, 'engine/tiny'))).toBe(false);
  });

  test('a wheel that pip cannot get', async () => {
    const index = temporaryFolder();
    const engine = tinyEngine(index);
    Object.assign(engine.wheels[0] as Wheel, { version: '2.0' });
    const machine = machineWithIndex(index);
    await expect(installLibraries(machine, engine)).rejects.toThrow(
      new RegExp(
        `^Expected pip to download tinyflow 2\\.0, it ended with code 1 \\(ERROR: Could not find a version that satisfies the requirement tinyflow==2\\.0 \\(from versions: 1\\.0\\)\\): check the network and pip's index setting, then run the command again; its whole output is in ${machine.cache}/logs/pip-[^ ]*\\.log\\.$`,
      ),
    );
    expect(readdirSync(join(machine.cache, 'unfinished'))).toEqual([]);
  });

  test('a disk that runs full while unpacking', async ({ skip }) => {
    const disk = mountTmpfs('size=1000000');
    if (disk === null) return skip('mounting a tmpfs is not allowed here');
    const index = temporaryFolder();
    const wheel = makeWheel(index, 'tinyflow', 'tensorflow', TENSORFLOW_MEMBERS, 1_000_000);
    const machine = { ...machineWithIndex(index), cache: disk };
    await expect(
      installLibraries(machine, { name: 'tiny', wheels: [wheel], unpackedBytes: 0 }),
    ).rejects.toThrow(
      `Expected to unpack tinyflow 1.0 into ${disk}, got: OSError: [Errno 28] No space left on device: check the disk, then run the command again.`,
    );
    expect(readdirSync(join(disk, 'unfinished'))).toEqual([]);
  });
});
