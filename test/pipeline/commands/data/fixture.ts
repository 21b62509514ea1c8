/** `pipeline data …` in this process, with data sets of our own that a local server gives. */
import { createHash } from 'node:crypto';
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
export async function tarOf(files: Record<string, string>): Promise<Buffer> {
  const path = join(await temporaryFolder(), 'made.tar.gz');
  const script = `
import io, json, sys, tarfile
with tarfile.open(sys.argv[1], 'w:gz') as archive:
    for name, text in json.loads(sys.argv[2]).items():
        info = tarfile.TarInfo('top/' + name); info.size = len(text); archive.addfile(info, io.BytesIO(text.encode()))
sys.stdout.buffer.write(open(sys.argv[1], 'rb').read())`;
  return plainPython(script, [path, JSON.stringify(files)]);
}
