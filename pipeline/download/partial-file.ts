/**
 * A download that is under way: `NAME.part` with the bytes so far, and `NAME.part.json` that says of which version of
 * which file they are. Both outlive a crash.
 */
import { readFile, rm, stat } from 'node:fs/promises';
import * as z from 'zod';
import { writeFileAtomic } from '../../store/atomic-file.ts';

const originSchema = z.object({
  url: z.string(),
  /** What the server calls this version of the file: its ETag, else its date; null where it says neither. */
  validator: z.string().nullable(),
});
export type Origin = z.infer<typeof originSchema>;

export interface PartialFile {
  path: string;
  bytes: number;
  /** Null where nothing is known of the bytes, which then are of no use. */
  origin: Origin | null;
}

export async function readPartial(path: string): Promise<PartialFile> {
  const part = partOf(path);
  const size = (await stat(part).catch(() => null))?.size ?? 0;
  const text = await readFile(originOf(path), 'utf8').catch(() => '');
  const origin = size === 0 ? null : parseOrigin(text);
  return { path: part, bytes: origin === null ? 0 : size, origin };
}

function parseOrigin(text: string): Origin | null {
  try {
    return originSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Throws away what is there and notes where the bytes that follow come from. */
export async function beginPartial(path: string, origin: Origin): Promise<PartialFile> {
  await discardPartial(path);
  await writeFileAtomic(originOf(path), `${JSON.stringify(origin)}\n`);
  return { path: partOf(path), bytes: 0, origin };
}

/** The bytes first: were they left behind alone, a later origin would be taken for theirs. */
export async function discardPartial(path: string): Promise<void> {
  await rm(partOf(path), { force: true });
  await rm(originOf(path), { force: true });
}

export const partOf = (path: string) => `${path}.part`;
const originOf = (path: string) => `${path}.part.json`;
