/** How the files of a data set compare with the official ones, by size and checksum. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { DatasetEntry } from '../../../store/datasets/catalogue-entry.ts';
import { readFetched } from '../../../store/datasets/fetched-files.ts';
import type { DatasetPlace } from '../../../store/datasets/find-datasets.ts';
import { filesOf } from '../../../store/datasets/fingerprint.ts';
import { folderOf } from '../../download/fetch-dataset.ts';
import { whatIsWrong } from '../../download/remote-file.ts';

export interface ComparedFile {
  /** Below the folder of the data set. */
  file: string;
  /**
   * `official`: byte for byte; `other`: another file than the official one, which may be as good; `unknown`: no
   * checksum is known; `changed` and `missing`: it was official when it was unpacked, and is damaged.
   */
  state: 'official' | 'other' | 'unknown' | 'changed' | 'missing';
  /** What was found instead of what, where it differs. */
  detail: string | null;
}

/** Every file that the reader may read. */
export async function compareFiles(
  entry: DatasetEntry,
  { directory, layout }: DatasetPlace,
  dataDirectory: string,
): Promise<ComparedFile[]> {
  const unpacked = Object.values(await readFetched(dataDirectory, folderOf(entry))).flat();
  const official = new Map<string, { bytes?: number; md5?: string; sha256?: string; isOurs: boolean }>();
  for (const { path, bytes, sha256 } of unpacked) {
    official.set(relative(directory, join(dataDirectory, path)), { bytes, sha256, isOurs: true });
  }
  for (const download of entry.downloads.filter(({ archive }) => archive === undefined)) {
    // The bundled copy has files of the official names, too.
    const place = entry.bundled === directory ? directory : join(dataDirectory, download.into);
    const file = relative(directory, join(place, download.name));
    official.set(file, { ...download, isOurs: false });
  }
  const files = new Set(await filesOf(directory, layout));
  const lost = [...official].filter(
    ([file, { isOurs }]) => isOurs && !files.has(file) && !file.startsWith('..'),
  );
  return Promise.all([
    ...[...files].sort().map((file) => compare(file, directory, official.get(file))),
    ...lost.filter(([file]) => !existsSync(join(directory, file))).map(([file]) => missing(file)),
  ]);
}

async function compare(
  file: string,
  directory: string,
  official: { bytes?: number; md5?: string; sha256?: string; isOurs: boolean } | undefined,
): Promise<ComparedFile> {
  if (official === undefined) return { file, state: 'unknown', detail: null };
  const detail = await whatIsWrong({ ...official, urls: [] }, join(directory, file));
  if (detail === null) return { file, state: 'official', detail };
  return { file, state: official.isOurs ? 'changed' : 'other', detail };
}

const missing = async (file: string): Promise<ComparedFile> => ({ file, state: 'missing', detail: null });
