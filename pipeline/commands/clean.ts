/** `pipeline clean`: removes the artifacts that no experiment's last run needs, after asking. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError } from '../../schemas/errors.ts';
import { discardArtifact } from '../../store/artifacts.ts';
import { makeDirectory } from '../../store/atomic-file.ts';
import { acquireLock } from '../../store/lock-file.ts';
import { showBytes } from '../../store/show-bytes.ts';
import { confirm } from '../confirm.ts';
import { listArtifacts, listExperiments, type StoredArtifact } from '../inventory.ts';
import type { World } from '../world.ts';

export interface CleanArguments {
  runs: string;
  yes: boolean;
}

export async function cleanCommand({ runs, yes }: CleanArguments, world: World): Promise<void> {
  const say = (line: string) => world.stdout.write(`${line}\n`);
  const artifacts = await listArtifacts(runs, await listExperiments(runs));
  const unused = artifacts.filter(({ experiments }) => experiments.length === 0);
  if (unused.length === 0) {
    say(`Every artifact in ${runs} is needed by the last run of some experiment; nothing to remove.`);
    return;
  }
  for (const { id, bytes, state } of unused) say(`  ${id}  ${showBytes(bytes)}  ${state}`);
  const total = showBytes(unused.reduce((sum, { bytes }) => sum + bytes, 0));
  const count = unused.length === 1 ? '1 artifact' : `${unused.length} artifacts`;
  if (!yes && !(await confirm(`Remove ${count} (${total})? [y/N] `, 'to remove these artifacts'))) {
    say('Nothing was removed.');
    return;
  }
  await makeDirectory(join(runs, 'locks'));
  for (const artifact of unused) await removeUnlessInUse(runs, artifact, say);
}

async function removeUnlessInUse(
  runs: string,
  { id, directory }: StoredArtifact,
  say: (line: string) => void,
): Promise<void> {
  const lockPath = join(runs, 'locks', `${id}.lock`);
  try {
    const lock = await acquireLock(lockPath, { purpose: `removal of ${id}`, wait: false });
    try {
      await discardArtifact(directory);
      await rm(join(runs, 'logs', `${id}.log`), { force: true });
    } finally {
      await lock.release();
    }
    say(`Removed ${id}.`);
  } catch (error) {
    if (!(error instanceof PipelineError) || error.code !== 'ARTIFACT_LOCKED') throw error;
    say(`Kept ${id}, which a process is using.`);
  }
}
