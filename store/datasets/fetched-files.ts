/**
 * What was unpacked from an official archive whose checksum was right: `DATA/.fetched/FOLDER.json`. The unpacked
 * files have no official checksums of their own, so that this is how a later check knows them.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { makeDirectory, writeFileAtomic } from '../atomic-file.ts';

const fetchedSchema = z.record(
  /** Name of the archive. */
  z.string(),
  z.array(
    z.object({
      /** Below the data directory. */
      path: z.string(),
      bytes: z.number().int(),
      sha256: z.string(),
    }),
  ),
);
export type FetchedFiles = z.infer<typeof fetchedSchema>;

/** Folder for such lists, and for the locks of those who fetch. */
export const fetchedFolder = (dataDirectory: string) => join(dataDirectory, '.fetched');

/** Files by archive; none where nothing is known, or what is written there cannot be read. */
export async function readFetched(dataDirectory: string, folder: string): Promise<FetchedFiles> {
  try {
    return fetchedSchema.parse(JSON.parse(await readFile(listOf(dataDirectory, folder), 'utf8')));
  } catch {
    return {};
  }
}

/** The caller holds the lock of the folder. */
export async function addFetched(dataDirectory: string, folder: string, added: FetchedFiles): Promise<void> {
  const all = { ...(await readFetched(dataDirectory, folder)), ...added };
  await makeDirectory(fetchedFolder(dataDirectory));
  await writeFileAtomic(listOf(dataDirectory, folder), `${JSON.stringify(all, null, 1)}\n`);
}

const listOf = (dataDirectory: string, folder: string) =>
  join(fetchedFolder(dataDirectory), `${folder.replaceAll('/', '-')}.json`);
