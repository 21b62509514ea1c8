/** The state of an unfinished training run in one file, replaced atomically: a crash costs only the steps since. */

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '../schemas/stage.ts';
import { readTensors, writeTensors } from './tensor-file.ts';

/** Everything that the rest of the run depends on. */
export interface Checkpoint<Notes extends Json = Json> {
  /** Steps done. */
  step: number;
  vectors: Record<string, Float32Array>;
  /** Whatever else is carried along, e.g. the metrics so far. */
  notes: Notes;
}

const FILE = 'checkpoint.safetensors';

export async function writeCheckpoint(
  directory: string,
  { step, vectors, notes }: Checkpoint,
): Promise<void> {
  const tensors = Object.fromEntries(
    Object.entries(vectors).map(([name, data]) => [name, { shape: [data.length], data }]),
  );
  await writeTensors(join(directory, FILE), tensors, { step: String(step), notes: JSON.stringify(notes) });
}

/** The last checkpoint, or null where the run has not come to one. */
export async function readCheckpoint<Notes extends Json>(
  directory: string,
): Promise<Checkpoint<Notes> | null> {
  const path = join(directory, FILE);
  if (!existsSync(path)) return null;
  const { tensors, metadata } = await readTensors(path);
  const vectors = Object.fromEntries(
    Object.entries(tensors).map(([name, { data }]) => [name, data as Float32Array]),
  );
  return { step: Number(metadata.step), vectors, notes: JSON.parse(metadata.notes!) as Notes };
}

/** Removes the checkpoint of a run that has come to its end. */
export async function removeCheckpoint(directory: string): Promise<void> {
  await rm(join(directory, FILE), { force: true });
}
