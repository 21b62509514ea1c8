/** Reference figures beside the checkout; tests that need them skip with a clear line where they are absent. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const shared = resolve(import.meta.dirname, '../../../shared');

/** Folder of reference figures, or null. */
export const referenceDirectory = existsSync(`${shared}/reference`) ? `${shared}/reference` : null;

/** Folder of real data sets: PAG_DATA, else ../shared/data, else null. */
export const dataDirectory = process.env.PAG_DATA ?? (existsSync(`${shared}/data`) ? `${shared}/data` : null);
