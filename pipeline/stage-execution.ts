/** Makes one artifact, from taking its lock to writing its manifest. Runs in a worker process. */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { PipelineError } from '../schemas/errors.ts';
import type { Provenance } from '../schemas/manifest.ts';
import type { InputArtifact, Progress, StageDefinition } from '../schemas/stage.ts';
import { discardArtifact, finishArtifact, inspectArtifact, reopenArtifact } from '../store/artifacts.ts';
import { makeDirectory, translateDiskError, writeFileAtomic } from '../store/atomic-file.ts';
import { acquireLock, type Lock } from '../store/lock-file.ts';
import type { Task } from './worker-protocol.ts';

export interface ExecutionHooks {
  waiting(holder: string): void;
  progress(line: Progress): void;
  note(sentence: string): void;
  /** Brings up the engine and names it; called only for stages that need it. */
  startEngine(): Promise<string>;
  signal: AbortSignal;
}

/**
 * Runs the stage unless the artifact turns out to be finished once its lock is ours; tells whether it ran.
 * Throws whatever the stage throws, `INTERRUPTED` when the signal ends the wait for the lock, and
 * `ARTIFACT_DAMAGED` with the input's place where an input is not whole.
 */
export async function executeStage(
  task: Task,
  definition: StageDefinition,
  hooks: ExecutionHooks,
): Promise<boolean> {
  const purpose = `run of ${task.name}`;
  const lock = await acquireLock(task.lock, { purpose, onWait: hooks.waiting, signal: hooks.signal });
  try {
    const { state, damaged } = await inspectArtifact(task.directory);
    if (state === 'finished') return false;
    if (state === 'damaged') await reopenArtifact(task.directory, damaged);
    if (state === 'unfinished' && task.afresh) await discardArtifact(task.directory);
    await Promise.all(task.inputs.map(requireWhole));
    await makeDirectory(task.directory);
    await make(task, definition, hooks, lock);
    return true;
  } catch (error) {
    throw translateDiskError(error, task.directory);
  } finally {
    await lock.release();
  }
}

async function requireWhole({ stage, directory }: InputArtifact): Promise<void> {
  const { state, damaged } = await inspectArtifact(directory);
  if (state === 'finished') return;
  const found = state === 'damaged' ? `damaged files (${damaged.join(', ')})` : `an ${state} one`;
  throw new PipelineError(
    'ARTIFACT_DAMAGED',
    `Expected a finished artifact of ${stage} in ${directory}, found ${found}; run the same command again and it is made anew.`,
    { place: { stage, artifact: directory, files: damaged } },
  );
}

async function make(
  task: Task,
  definition: StageDefinition,
  hooks: ExecutionHooks,
  lock: Lock,
): Promise<void> {
  const begun = performance.now();
  const before = await readEarlierSessions(task.directory);
  const provenance = async (engine: string | null): Promise<Provenance> => ({
    finishedAt: new Date().toISOString(),
    durationSec: before.durationSec + (performance.now() - begun) / 1000,
    resumed: before.resumed,
    package: await packageVersion(),
    node: process.version,
    engine,
    host: hostname(),
  });
  const path = join(task.directory, 'provenance.json');
  await writeFileAtomic(path, JSON.stringify(await provenance(null)));
  const engine = task.needsEngine ? await hooks.startEngine() : null;
  const run = await definition.load();
  const { config, variants, inputs, directory, dataDirectory } = task;
  const { progress, note, signal } = hooks;
  try {
    await run({ config, variants, inputs, directory, dataDirectory, progress, note, signal });
  } catch (error) {
    // Counts the time of this session for the one that takes up the work; the error matters more than the count.
    await writeFileAtomic(path, JSON.stringify(await provenance(engine))).catch(() => undefined);
    throw error;
  }
  if (!lock.isHeld()) throw lockLost(task);
  await finishArtifact(directory, task.identity, await provenance(engine));
}

/** What the sessions before this one left in the provenance of an unfinished artifact. */
async function readEarlierSessions(directory: string): Promise<Pick<Provenance, 'durationSec' | 'resumed'>> {
  try {
    const before = JSON.parse(await readFile(join(directory, 'provenance.json'), 'utf8')) as Provenance;
    return { durationSec: Number(before.durationSec) || 0, resumed: (Number(before.resumed) || 0) + 1 };
  } catch {
    // None, or a file of an unknown form: for people only, so a fresh count does.
    return { durationSec: 0, resumed: 0 };
  }
}

async function packageVersion(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  const { name, version } = JSON.parse(text) as { name: string; version: string };
  return `${name} ${version}`;
}

function lockLost({ name, lock, directory }: Task): PipelineError {
  return new PipelineError(
    'ARTIFACT_LOCKED',
    `Expected ${name} to hold the lock ${lock} until it was finished, found that it was removed or taken by another process; the artifact ${directory} is left unfinished. Make sure that no other run uses it, then run the same command again.`,
  );
}
