/** Files of the exact formats of data sets, written by the programs that users have them from. */
import { createHash } from 'node:crypto';
import { python } from '../../support/python.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/**
 * Runs a script that has `folder` (with `os.chdir` done), numpy as `np`, pickle and a generator `rng`, and prints JSON.
 * @returns the folder and what was printed
 */
export async function madeByPython<T>(script: string, folder?: string): Promise<{ folder: string; told: T }> {
  const place = folder ?? (await temporaryFolder());
  const told = python(`${BEFORE}\n${script}`, [place]);
  return { folder: place, told: JSON.parse(told.trim() === '' ? 'null' : told) as T };
}

const BEFORE = `
import os, sys, json, pickle, hashlib
import numpy as np
folder = sys.argv[1]
os.chdir(folder)
rng = np.random.default_rng(5)
def bytes_of(*shape):
    return rng.integers(0, 256, shape, dtype=np.uint8)
def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
`;

export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
