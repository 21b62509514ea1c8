/** A file that can be had from elsewhere, and whether a file here is that one. */
import { open, stat } from 'node:fs/promises';
import { hashFile } from '../../store/content-hash.ts';
import type { Download } from '../../store/datasets/catalogue-entry.ts';
import { beginning } from '../../store/datasets/source-file.ts';

/** What the catalogue says of a file; either may be unknown. */
export type RemoteFile = Pick<Download, 'urls' | 'bytes' | 'md5' | 'sha256'>;

export function hasChecksum({ md5, sha256 }: RemoteFile): boolean {
  return (sha256 ?? md5) !== undefined;
}

/** How a file differs from what it should be, as `found instead of wanted`; null where it does not. */
export async function whatIsWrong({ bytes, md5, sha256 }: RemoteFile, path: string): Promise<string | null> {
  const { size } = await stat(path);
  if (bytes !== undefined && size !== bytes) {
    return `${size} bytes that begin with ${await headOf(path)} instead of ${bytes}`;
  }
  const wanted = sha256 ?? md5;
  if (wanted === undefined) return null;
  const algorithm = sha256 === undefined ? 'md5' : 'sha256';
  const found = await hashFile(path, algorithm);
  return found === wanted ? null : `${algorithm} ${found} instead of ${wanted}`;
}

async function headOf(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
    return beginning(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}
