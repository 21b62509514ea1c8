/** `pipeline data …` in this process, with data sets of our own that a local server gives. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main } from '../../../../pipeline/cli.ts';
import { thisWorld } from '../../../../pipeline/world.ts';
import type { DatasetEntry, Download } from '../../../../store/datasets/catalogue-entry.ts';
import { plainPython } from '../../../store/support/plain-python.ts';
import { temporaryFolder } from '../../../store/support/temporary-folder.ts';

export interface Surroundings {
  /** Instead of the real data sets. */
  catalogue?: readonly DatasetEntry[];
  environment?: NodeJS.ProcessEnv;
}

/** Runs `pipeline data …`. */
export async function data(words: readonly string[], { catalogue, environment = {} }: Surroundings = {}) {
  let [stdout, stderr] = ['', ''];
  const world = thisWorld();
  const code = await main(['data', ...words], {
    ...world,
    environment,
    catalogue: catalogue === undefined ? world.catalogue : async () => catalogue,
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
  });
  return { code, stdout, stderr };
}

export const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

export function describedFile(name: string, bytes: Buffer, ...urls: string[]): Download {
  return { name, bytes: bytes.length, sha256: sha256(bytes), urls, into: 'animals' };
}

/** A data set with the files and downloads given, under a name that the schema knows. */
export function entry(files: string[], downloads: readonly Download[], more: Partial<DatasetEntry> = {}) {
  const read = () => Promise.reject(new Error('not to be read'));
  const made: DatasetEntry = {
    name: 'cifar10',
    title: 'pictures of animals',
    layouts: [{ folder: 'animals', files, read }],
    downloads,
    splits: ['train', 'test'],
    ...more,
  };
  return made;
}

/** A .tar.gz made by Python, of files in a folder `top`. */
export async function tarOf(files: Record<string, string | Buffer>): Promise<Buffer> {
  const path = join(await temporaryFolder(), 'made.tar.gz');
  const contents = Object.entries(files).map(([name, bytes]) => [
    name,
    Buffer.from(bytes).toString('base64'),
  ]);
  const script = `
import base64, io, json, sys, tarfile
with tarfile.open(sys.argv[1], 'w:gz') as archive:
    for name, text in json.load(sys.stdin):
        data = base64.b64decode(text)
        info = tarfile.TarInfo('top/' + name); info.size = len(data); archive.addfile(info, io.BytesIO(data))
sys.stdout.buffer.write(open(sys.argv[1], 'rb').read())`;
  return plainPython(script, [path], JSON.stringify(contents));
}

/** Value of a pixel of {@link tinyCifar10}. */
export const pixelOf = (image: number, channel: number, place: number) =>
  (image * 16 + channel * 80 + (place % 32)) % 256;

/** CIFAR-10 in the official layout with two images per file: training image i has class i, both tests are ships. */
export function tinyCifar10(): Record<string, Buffer> {
  const record = (label: number, image: number) =>
    Buffer.from([
      label,
      ...Array.from({ length: 3072 }, (_, i) => pixelOf(image, Math.floor(i / 1024), i % 1024)),
    ]);
  const batch = (i: number) => Buffer.concat([record(2 * i, 2 * i), record(2 * i + 1, 2 * i + 1)]);
  const train = [0, 1, 2, 3, 4].map((i) => [`data_batch_${i + 1}.bin`, batch(i)]);
  return Object.fromEntries([...train, ['test_batch.bin', Buffer.concat([record(8, 10), record(8, 11)])]]);
}

/** Puts them into a folder of the data directory as the official archive would. */
export function writeTinyCifar10(dataDirectory: string): string {
  const folder = join(dataDirectory, 'cifar-10-batches-bin');
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(tinyCifar10())) writeFileSync(join(folder, name), bytes);
  return folder;
}
