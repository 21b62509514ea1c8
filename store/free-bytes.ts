/** How much room a disk has. */
import { statfs } from 'node:fs/promises';

/** Bytes that are free for the user on the disk of a folder, which must be there. */
export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}
