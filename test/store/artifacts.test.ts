import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Manifest, Provenance } from '../../schemas/manifest.ts';
import {
  artifactDirectory,
  discardArtifact,
  finishArtifact,
  inspectArtifact,
  readManifest,
  reopenArtifact,
  verifyArtifact,
} from '../../store/artifacts.ts';
import { MAY_MOUNT, makeReadOnly, NEEDS_MOUNT, smallDisk } from './support/small-disk.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { thrownBy } from './support/thrown-by.ts';

const identity: Omit<Manifest, 'version' | 'files'> = {
  stage: 'precompute',
  key: '0123456789abcdef',
  codeVersion: 3,
  config: { sigma: 1, codec: 'float16' },
  inputs: [{ stage: 'dataset', variant: 'a', key: 'fedcba9876543210' }],
};
const provenance: Provenance = {
  finishedAt: '2020-01-01T00:00:00Z',
  durationSec: 1.5,
  resumed: 0,
  package: '0.1.0',
  node: 'v20',
  engine: null,
  host: 'here',
};
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

async function filled(folder: string): Promise<string> {
  await mkdir(join(folder, 'sub'));
  await mkdir(join(folder, 'tensorboard'));
  await writeFile(join(folder, 'shard-00001.arrow'), 'abc');
  await writeFile(join(folder, 'shard-00001.json'), '');
  await writeFile(join(folder, 'shard-00002.arrow'), 'abc');
  await writeFile(join(folder, 'shard-00002.json'), '');
  await writeFile(join(folder, 'sub', 'Z.txt'), 'abc');
  await writeFile(join(folder, 'tensorboard', 'events.1'), 'clock');
  return folder;
}

const finished = async (): Promise<string> => {
  const folder = await filled(await temporaryFolder());
  await finishArtifact(folder, identity, provenance);
  return folder;
};

test('an artifact lies under its stage and key', () => {
  expect(artifactDirectory('/r', 'train', 'ab12')).toBe('/r/artifacts/train-ab12');
});

describe('finishing', () => {
  test('the manifest lists every file but the volatile ones, sorted, with known checksums', async () => {
    const folder = await filled(await temporaryFolder());
    await writeFile(join(folder, 'torn.99999999-ab.tmp'), 'left by a killed process');
    const manifest = await finishArtifact(folder, identity, provenance);
    expect(manifest).toEqual({
      ...identity,
      version: 1,
      files: [
        { name: 'shard-00001.arrow', bytes: 3, sha256: ABC },
        { name: 'shard-00001.json', bytes: 0, sha256: EMPTY },
        { name: 'shard-00002.arrow', bytes: 3, sha256: ABC },
        { name: 'shard-00002.json', bytes: 0, sha256: EMPTY },
        { name: 'sub/Z.txt', bytes: 3, sha256: ABC },
      ],
    });
    expect(await readManifest(folder)).toEqual(manifest);
    expect(JSON.parse(await readFile(join(folder, 'provenance.json'), 'utf8'))).toEqual(provenance);
    expect(await readdir(folder)).not.toContain('torn.99999999-ab.tmp');
  });

  test('same content gives the same manifest bytes, whatever the clock and the order of keys', async () => {
    const [one, two] = [await finished(), await filled(await temporaryFolder())];
    const shuffled = { ...identity, config: { codec: 'float16', sigma: 1 } };
    await finishArtifact(two, shuffled, { ...provenance, finishedAt: '2021-01-01T00:00:00Z', host: 'there' });
    expect(await readFile(join(two, 'manifest.json'))).toEqual(await readFile(join(one, 'manifest.json')));
  });

  test.skipIf(!MAY_MOUNT)(
    `a full disk leaves the artifact unfinished and its files whole${NEEDS_MOUNT}`,
    async () => {
      const folder = await filled(smallDisk(64));
      await writeFile(join(folder, 'ballast'), new Uint8Array(65536)).catch(() => undefined);
      const before = await readdir(folder);
      expect((await thrownBy(finishArtifact(folder, identity, provenance))).code).toBe('DISK_FULL');
      expect(await readdir(folder)).toEqual(before);
      expect(await inspectArtifact(folder)).toEqual({ state: 'unfinished', damaged: [] });
    },
  );
});

describe('inspecting', () => {
  test('a missing and an empty folder are absent, one without manifest is unfinished', async () => {
    const folder = await temporaryFolder();
    expect(await inspectArtifact(join(folder, 'none'))).toEqual({ state: 'absent', damaged: [] });
    expect(await inspectArtifact(folder)).toEqual({ state: 'absent', damaged: [] });
    await filled(folder);
    expect(await inspectArtifact(folder)).toEqual({ state: 'unfinished', damaged: [] });
    expect(await verifyArtifact(folder)).toEqual(['manifest.json']);
  });

  test('a whole artifact is finished, and stays so when volatile files change', async () => {
    const folder = await finished();
    await rm(join(folder, 'tensorboard'), { recursive: true });
    await rm(join(folder, 'provenance.json'));
    expect(await inspectArtifact(folder)).toEqual({ state: 'finished', damaged: [] });
    expect(await verifyArtifact(folder)).toEqual([]);
  });

  test('a missing and a shortened file are named by the quick look', async () => {
    const folder = await finished();
    await rm(join(folder, 'sub'), { recursive: true });
    await truncate(join(folder, 'shard-00001.arrow'), 2);
    const damaged = ['shard-00001.arrow', 'sub/Z.txt'];
    expect(await inspectArtifact(folder)).toEqual({ state: 'damaged', damaged });
    expect(await verifyArtifact(folder)).toEqual(damaged);
  });

  test('a flipped byte is found by the checksum', async () => {
    const folder = await finished();
    await writeFile(join(folder, 'shard-00002.arrow'), 'abd');
    expect((await inspectArtifact(folder)).state).toBe('finished');
    expect(await verifyArtifact(folder)).toEqual(['shard-00002.arrow']);
  });
});

describe('a damaged manifest', () => {
  const cases: [string, string, string][] = [
    ['torn', '{"version": 1,', 'text that is no JSON'],
    [
      'of another form',
      '{"version": 1}',
      'a wrong entry at stage (Invalid option: expected one of "dataset"|"score"|"precompute"|"train"|"attack"|"analyze"|"report")',
    ],
    ['no object', 'null', 'a wrong entry at the top (Invalid input: expected object, received null)'],
    [
      'leading out of the artifact',
      JSON.stringify({ ...identity, version: 1, files: [{ name: '../x', bytes: 1, sha256: ABC }] }),
      'the file name ../x, which leads out of the artifact',
    ],
  ];

  test.each(cases)('%s', async (_, text, found) => {
    const folder = await finished();
    const path = join(folder, 'manifest.json');
    await writeFile(path, text);
    expect(await thrownBy(readManifest(folder))).toEqual({
      code: 'ARTIFACT_DAMAGED',
      message: `Expected the manifest of an artifact in ${path}, found ${found}. Remove the folder ${folder} and run the same command again; it will be made anew.`,
    });
    expect(await inspectArtifact(folder)).toEqual({ state: 'damaged', damaged: ['manifest.json'] });
    expect(await verifyArtifact(folder)).toEqual(['manifest.json']);
  });

  test('of a newer version is refused everywhere and not taken for damage', async () => {
    const folder = await finished();
    const path = join(folder, 'manifest.json');
    await writeFile(path, '{"version": 2, "shape": "unknown"}');
    const refusal = {
      code: 'VERSION_NEWER',
      message: `Expected a manifest of version 1 in ${path}, found version 2, which a newer release has written. Update this program, or choose another folder (--runs DIR).`,
    };
    expect(await thrownBy(readManifest(folder))).toEqual(refusal);
    expect(await thrownBy(inspectArtifact(folder))).toEqual(refusal);
    expect(await thrownBy(verifyArtifact(folder))).toEqual(refusal);
  });
});

describe('reopening', () => {
  test('takes out the manifest, the damaged files and the other half of their shards, nothing else', async () => {
    const folder = await finished();
    await reopenArtifact(folder, ['shard-00002.json', 'sub/Z.txt', 'missing/file']);
    expect((await readdir(folder, { recursive: true })).sort()).toEqual([
      'provenance.json',
      'shard-00001.arrow',
      'shard-00001.json',
      'sub',
      'tensorboard',
      'tensorboard/events.1',
    ]);
    expect((await inspectArtifact(folder)).state).toBe('unfinished');
  });

  test('finished again after the same files were made anew, the manifest has the same bytes', async () => {
    const folder = await finished();
    const before = await readFile(join(folder, 'manifest.json'));
    await reopenArtifact(folder, ['shard-00001.arrow']);
    await writeFile(join(folder, 'shard-00001.arrow'), 'abc');
    await writeFile(join(folder, 'shard-00001.json'), '');
    await finishArtifact(folder, identity, { ...provenance, resumed: 1 });
    expect(await readFile(join(folder, 'manifest.json'))).toEqual(before);
  });

  test('with a damaged manifest only that goes', async () => {
    const folder = await finished();
    const before = (await readdir(folder)).filter((name) => name !== 'manifest.json');
    await reopenArtifact(folder, ['manifest.json']);
    expect(await readdir(folder)).toEqual(before);
  });

  test.skipIf(!MAY_MOUNT)(`on a read-only disk says so${NEEDS_MOUNT}`, async () => {
    const folder = await filled(smallDisk(256));
    await finishArtifact(folder, identity, provenance);
    makeReadOnly(folder);
    const path = join(folder, 'manifest.json');
    expect(await thrownBy(reopenArtifact(folder, []))).toEqual({
      code: 'NOT_WRITABLE',
      message: `Expected to be allowed to write ${path}, found that the file system is read-only (EROFS). Make its folder writable or choose another one (--runs DIR, --data DIR), then run the same command again.`,
    });
  });
});

test('a discarded artifact is gone, and discarding it twice is no error', async () => {
  const folder = join(await temporaryFolder(), 'a');
  await mkdir(folder);
  await filled(folder);
  await discardArtifact(folder);
  await discardArtifact(folder);
  expect(await inspectArtifact(folder)).toEqual({ state: 'absent', damaged: [] });
});
