/** `precision.json` of a gradient store that was computed in reduced precision: what that cost. */
import { join } from 'node:path';
import { type PrecisionCost, precisionCostSchema } from '../../schemas/gradient-store.ts';
import { writeFileAtomic } from '../atomic-file.ts';
import { readJson } from './store-layout.ts';

const FILE = 'precision.json';

/** Null where nothing of the kind is there: a store in float32. */
export async function readPrecisionCost(directory: string): Promise<PrecisionCost | null> {
  const parsed = precisionCostSchema.safeParse(await readJson(join(directory, FILE)));
  return parsed.success ? parsed.data : null;
}

export async function writePrecisionCost(directory: string, cost: PrecisionCost): Promise<void> {
  await writeFileAtomic(join(directory, FILE), `${JSON.stringify(cost, null, 2)}\n`);
}
