/** Losses by step: `metrics.parquet` (training), `validation.parquet` (held-out images), and both for TensorBoard. */
import { join } from 'node:path';
import { makeDirectory, writeFileAtomic } from '../../store/atomic-file.ts';
import { encodeEvents } from '../../store/event-file.ts';
import { writeTable } from '../../store/tables.ts';
import type { Notes } from './training-run.ts';

export async function writeMetrics(directory: string, { rows, heldOut }: Notes): Promise<void> {
  await writeTable(join(directory, 'metrics.parquet'), [
    { name: 'step', type: 'INT32', values: rows.map((row) => row.step) },
    { name: 'loss', type: 'DOUBLE', values: rows.map((row) => row.loss) },
  ]);
  await writeTable(join(directory, 'validation.parquet'), [
    { name: 'step', type: 'INT32', values: heldOut.map((row) => row.step) },
    { name: 'sigma', type: 'DOUBLE', values: heldOut.map((row) => row.sigma) },
    { name: 'loss', type: 'DOUBLE', values: heldOut.map((row) => row.loss) },
  ]);
}

/** The whole history as one TensorBoard event file. It names times, so no checksum covers it. */
export async function writeEvents(directory: string, { rows, heldOut }: Notes): Promise<void> {
  const folder = join(directory, 'tensorboard');
  await makeDirectory(folder);
  const training = rows.map(({ step, wallTimeSec, loss }) => ({ step, wallTimeSec, scalars: { loss } }));
  const validation = heldOut.map(({ step, wallTimeSec, sigma, loss }) => ({
    step,
    wallTimeSec,
    scalars: { [`heldOut/sigma ${sigma.toPrecision(3)}`]: loss },
  }));
  const events = [...training, ...validation].sort((a, b) => a.step - b.step);
  await writeFileAtomic(join(folder, 'events.out.tfevents.0.pipeline'), encodeEvents(events));
}
