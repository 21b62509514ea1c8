/** Where the real data sets are, for the tests that read them. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** PAG_DATA, else the data folder that lies beside the checkout in development. */
const directory = process.env.PAG_DATA ?? resolve(import.meta.dirname, '../../../../shared/data');

/** The folder of a real data set, and the line that a test without it adds to its name. */
export function realData(folder: string): { path: string; isThere: boolean; note: string } {
  const path = join(directory, folder);
  const isThere = existsSync(path);
  return { path, isThere, note: isThere ? '' : ` (skipped: no ${path}; set PAG_DATA)` };
}
