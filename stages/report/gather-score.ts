/** What the training of a score model has left behind -> the data of the report. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readTable } from '../../store/tables.ts';
import type { LearnedScore, SampleSheet } from './report-data.ts';

export async function readScore(directory: string): Promise<LearnedScore> {
  const table = async (name: string) => (await readTable(join(directory, name))) as unknown;
  return {
    losses: (await table('metrics.parquet')) as LearnedScore['losses'],
    heldOut: (await table('validation.parquet')) as LearnedScore['heldOut'],
    sheet: await readSheet(join(directory, 'samples')),
  };
}

/** The last of `step-00000500.png`, …; sides stand in the header of a PNG file, at bytes 16 and 20. */
async function readSheet(folder: string): Promise<SampleSheet | null> {
  if (!existsSync(folder)) return null;
  const name = (await readdir(folder))
    .filter((file) => /^step-\d+\.png$/.test(file))
    .sort()
    .at(-1);
  if (name === undefined) return null;
  const png = await readFile(join(folder, name));
  return {
    step: Number(/\d+/.exec(name)![0]),
    width: png.readUInt32BE(16),
    height: png.readUInt32BE(20),
    png,
  };
}
