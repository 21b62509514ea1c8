/** Folders and stores that vanish when the test ends. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { GradientStoreInfo } from '../../../schemas/gradient-store.ts';
import { gradientsOf, storeInfo, writeMissing } from './sample-stores.ts';

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'shards-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A whole store in a new folder. */
export async function makeStore(settings: Partial<GradientStoreInfo> = {}) {
  const directory = await temporaryFolder();
  const info = storeInfo(settings);
  const gradients = gradientsOf(info);
  await writeMissing(directory, info, gradients);
  return { directory, info, gradients };
}
