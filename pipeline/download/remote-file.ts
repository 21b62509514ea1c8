/** A file that can be had from elsewhere, and whether a file here is that one. */
import { open, stat } from 'node:fs/promises';
import { hashFile } from '../../store/content-hash.ts';
import { beginning } from '../../store/datasets/source-file.ts';

export interface Checksum {
  algorithm: 'md5' | 'sha1' | 'sha256';
  /** Hexadecimal, in small letters. */
  digest: string;
}

export interface RemoteFile {
  /** Where it is to be had, best first. */
  urls: readonly string[];
  /** Null where it is not known. */
  bytes: number | null;
  checksum: Checksum | null;
}

/** How a file differs from what it should be, as `found instead of wanted`; null where it does not. */
export async function whatIsWrong(
  { bytes, checksum }: Pick<RemoteFile, 'bytes' | 'checksum'>,
  path: string,
): Promise<string | null> {
  const { size } = await stat(path);
  if (bytes !== null && size !== bytes) {
    return `${size} bytes that begin with ${await headOf(path)} instead of ${bytes}`;
  }
  if (checksum === null) return null;
  const found = await hashFile(path, checksum.algorithm);
  return found === checksum.digest ? null : `${checksum.algorithm} ${found} instead of ${checksum.digest}`;
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
