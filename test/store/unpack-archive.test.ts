/** Archives made by Python's tarfile and zipfile, good and bad ones. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type ArchiveKind, unpackArchive } from '../../store/unpack-archive.ts';
import { plainPython } from './support/plain-python.ts';
import { MAY_MOUNT, NEEDS_MOUNT, smallDisk } from './support/small-disk.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

/** `add(name, bytes)`, and for tar `link(name, type)`, are what the script may call. */
const MAKE = {
  'tar.gz': `
import io, sys, tarfile
with tarfile.open(sys.argv[1], 'w:gz') as archive:
    def add(name, data):
        info = tarfile.TarInfo(name); info.size = len(data); archive.addfile(info, io.BytesIO(data))
    def special(name, kind):
        info = tarfile.TarInfo(name); info.type = getattr(tarfile, kind); info.linkname = '/etc/passwd'; archive.addfile(info)
    exec(sys.argv[2])`,
  zip: `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as archive:
    def add(name, data): archive.writestr(name, data)
    def special(name, kind):
        info = zipfile.ZipInfo(name); info.create_system = 3; info.external_attr = 0o120777 << 16; archive.writestr(info, '/etc/passwd')
    exec(sys.argv[2])`,
};

const KINDS = ['tar.gz', 'zip'] as const;

async function unpack(
  kind: ArchiveKind,
  script: string,
  damage: (archive: string) => void = () => undefined,
) {
  const folder = await temporaryFolder();
  const [archive, target] = [join(folder, `archive.${kind}`), join(folder, 'target')];
  plainPython(MAKE[kind], [archive, script]);
  damage(archive);
  const progress: number[][] = [];
  const run = () =>
    unpackArchive(archive, kind, target, {
      strip: 1,
      signal: new AbortController().signal,
      onProgress: (...values) => progress.push(values),
    });
  const left = () => readdirSync(folder).filter((name) => !name.startsWith('archive'));
  return { folder, archive, target, progress, run, left };
}

it.each(KINDS)('%s: files are put in place, without the leading folder, over old ones', async (kind) => {
  const script = `
add('top.txt', b'outside')
add('set/a.bin', bytes(range(256)) * 4000)
add('set/deep/er/b.txt', 'schön'.encode())
add('./set//c', b'')`;
  const { folder, target, progress, run, left } = await unpack(kind, script);
  mkdirSync(target);
  writeFileSync(join(target, 'a.bin'), 'old');
  writeFileSync(join(target, 'mine'), 'kept');
  mkdirSync(`${target}.unpacking`);
  writeFileSync(join(`${target}.unpacking`, 'half'), 'left by a crash');

  const whole = Buffer.from(Array.from({ length: 256_000 * 4 }, (_, i) => i % 256));
  const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest('hex');
  expect(await run()).toEqual([
    { path: 'a.bin', bytes: 1_024_000, sha256: sha256(whole) },
    { path: 'deep/er/b.txt', bytes: 6, sha256: sha256('schön') },
    { path: 'c', bytes: 0, sha256: sha256('') },
  ]);
  expect(readFileSync(join(target, 'a.bin')).equals(whole)).toBe(true);
  expect(readFileSync(join(target, 'deep/er/b.txt'), 'utf8')).toBe('schön');
  expect(readdirSync(target).sort()).toEqual(['a.bin', 'c', 'deep', 'mine']);
  expect(left()).toEqual(['target']);
  expect(existsSync(join(folder, 'top.txt'))).toBe(false);
  const [done, total] = progress.at(-1)!;
  expect(done).toBeGreaterThan(total! / 3);
});

const sentence = (archive: string, expected: string, found: string) =>
  `Expected ${expected} in ${archive}, found ${found}. Replace it by a fresh copy of the official file.`;

it.each([
  ['tar.gz', "add('set/../../evil', b'x')", 'the path "set/../../evil"'],
  ['tar.gz', "add('/etc/evil', b'x')", 'the path "/etc/evil"'],
  ['tar.gz', "add('set/..\\\\\\\\evil', b'x')", 'the path "set/..\\\\\\\\evil"'],
] as const)('%s: %s is refused', async (kind, script, found) => {
  const { archive, run, left } = await unpack(kind, `add('set/good', b'1')\n${script}`);
  const message = sentence(archive, 'files that stay in their folder', found);
  await expect(run()).rejects.toMatchObject({ code: 'DATA_DAMAGED', message });
  expect(left()).toEqual([]);
});

it('zip: paths that leave the folder are refused', async () => {
  const { run, left } = await unpack('zip', "add('set/good', b'1')\nadd('set/../../evil', b'x')");
  await expect(run()).rejects.toMatchObject({ code: 'DATA_DAMAGED' });
  expect(left()).toEqual([]);
});

it.each([
  ['tar.gz', 'SYMTYPE', 'a symlink at "set/x"'],
  ['tar.gz', 'LNKTYPE', 'a link at "set/x"'],
  ['tar.gz', 'CHRTYPE', 'a character-device at "set/x"'],
  ['tar.gz', 'FIFOTYPE', 'a fifo at "set/x"'],
  ['zip', 'SYMTYPE', 'a symlink at "set/x"'],
] as const)('%s: a %s is refused', async (kind, type, found) => {
  const { archive, run, left } = await unpack(kind, `add('set/good', b'1')\nspecial('set/x', '${type}')`);
  const message = sentence(archive, 'files and folders alone', found);
  await expect(run()).rejects.toMatchObject({ code: 'DATA_DAMAGED', message });
  expect(left()).toEqual([]);
});

it.each(KINDS)('%s: an archive without files below its folder is refused', async (kind) => {
  const { archive, run, left } = await unpack(kind, "add('top.txt', b'1')");
  const message = sentence(archive, 'files', 'none that would be unpacked');
  await expect(run()).rejects.toMatchObject({ code: 'DATA_DAMAGED', message });
  expect(left()).toEqual([]);
});

it.each([
  ['tar.gz', 'unexpected end of file'],
  ['zip', /^End of central directory record signature not found/],
] as const)('%s: a cut archive is told, and what was there stays', async (kind, reason) => {
  const script = "import os; add('set/a', os.urandom(300000))";
  const { archive, target, run, left } = await unpack(kind, script, (path) => truncateSync(path, 150_000));
  mkdirSync(target);
  const error = await run().catch((thrown) => thrown);
  const [, found] = /found that it does not unpack \((.*)\)\. Replace/i.exec(error.message)!;
  expect(found).toMatch(reason);
  expect(error.message).toBe(sentence(archive, `a whole .${kind}`, `that it does not unpack (${found})`));
  expect({ left: left(), inside: readdirSync(target) }).toEqual({ left: ['target'], inside: [] });
});

it.skipIf(!MAY_MOUNT)(`a full disk is told, and nothing half unpacked stays${NEEDS_MOUNT}`, async () => {
  const { archive } = await unpack('tar.gz', "add('set/small', b'1'); add('set/large', bytes(300000))");
  const disk = smallDisk(128);
  const target = join(disk, 'target');
  const options = { strip: 1, signal: new AbortController().signal, onProgress: () => undefined };
  const error = await unpackArchive(archive, 'tar.gz', target, options).catch((thrown) => thrown);
  expect(error.code).toBe('DISK_FULL');
  expect(error.message).toContain(`Expected room to write ${target}, found that the disk is full (ENOSPC).`);
  expect(readdirSync(disk)).toEqual([]);
});
