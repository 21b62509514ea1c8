/** Makes one artifact, from taking its lock to writing its manifest. Runs in a worker process. */
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { PipelineError } from '../schemas/errors.ts';
import type { Provenance } from '../schemas/manifest.ts';
import type { InputArtifact, Progress, Sharing, StageContext, StageDefinition } from '../schemas/stage.ts';
import { discardArtifact, finishArtifact, inspectArtifact, reopenArtifact } from '../store/artifacts.ts';
import {
  collectLeftovers,
  makeDirectory,
  translateDiskError,
  writeFileAtomic,
} from '../store/atomic-file.ts';
import { acquireLock, type Lock } from '../store/lock-file.ts';
import type { Task } from './worker-protocol.ts';

/** How often a process that waits for an artifact looks whether help is welcome. */
const WELCOME_POLL_MS = 50;

export interface ExecutionHooks {
  waiting(holder: string): void;
  progress(line: Progress): void;
  note(sentence: string): void;
  /** Called when other processes may help with the artifact. */
  welcomeHelp(): void;
  /** Brings up the engine and names it; called only for stages that need it. */
  startEngine(): Promise<string>;
  /** For stages in reduced precision. */
  askInFloat32: NonNullable<StageContext['askInFloat32']>;
  signal: AbortSignal;
}

/**
 * Runs the stage unless the artifact turns out to be finished once its lock is ours; tells whether it ran. While
 * another process makes the artifact of a shared stage, it helps; a task that only helps leaves it at that.
 * Throws whatever the stage throws, `INTERRUPTED` when the signal ends the wait for the lock, and
 * `ARTIFACT_DAMAGED` with the input's place where an input is not whole.
 */
export async function executeStage(
  task: Task,
  definition: StageDefinition,
  hooks: ExecutionHooks,
): Promise<boolean> {
  try {
    if (task.helps) {
      await help(task, definition, hooks);
      return false;
    }
    const lock = await (definition.shared ? lockOrHelp(task, definition, hooks) : waitForLock(task, hooks));
    try {
      return await own(task, definition, hooks, lock);
    } finally {
      await lock.release();
    }
  } catch (error) {
    throw translateDiskError(error, task.directory);
  }
}

function waitForLock({ name, lock }: Task, { waiting, signal }: ExecutionHooks): Promise<Lock> {
  return acquireLock(lock, { purpose: `run of ${name}`, onWait: waiting, signal });
}

/** The artifact's lock; whoever holds it is helped before it is waited for. */
async function lockOrHelp(task: Task, definition: StageDefinition, hooks: ExecutionHooks): Promise<Lock> {
  const lock = await lockUnlessShared(task, hooks);
  if (lock !== null) return lock;
  hooks.note('another run is making it; helping with parts of it');
  hooks.welcomeHelp();
  try {
    await help(task, definition, hooks);
  } catch (error) {
    if (hooks.signal.aborted) throw error;
    hooks.note(`no more help with parts of it: ${(error as Error).message}`);
  }
  return waitForLock(task, hooks);
}

/** Waits until the lock is ours, or until its holder welcomes help (null). */
async function lockUnlessShared(task: Task, hooks: ExecutionHooks): Promise<Lock | null> {
  const welcomed = new AbortController();
  const look = () => existsSync(claimsOf(task)) && welcomed.abort();
  const timer = setInterval(look, WELCOME_POLL_MS);
  try {
    return await waitForLock(task, { ...hooks, signal: AbortSignal.any([hooks.signal, welcomed.signal]) });
  } catch (error) {
    if (welcomed.signal.aborted && !hooks.signal.aborted) return null;
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Makes those shards of the artifact that its owner and other helpers leave, if help is welcome at all. */
async function help(task: Task, definition: StageDefinition, hooks: ExecutionHooks): Promise<void> {
  const claims = claimsOf(task);
  if (!existsSync(claims)) return;
  await Promise.all(task.inputs.map(requireWhole));
  if (task.needsEngine) await hooks.startEngine();
  await runStage(task, definition, hooks, { claims, isHelper: true });
}

/** Folder for the locks of the shards of a shared artifact. */
function claimsOf({ lock }: Task): string {
  return lock.replace(/\.lock$/, '.shards');
}

async function own(
  task: Task,
  definition: StageDefinition,
  hooks: ExecutionHooks,
  lock: Lock,
): Promise<boolean> {
  await collectLeftovers(dirname(task.lock));
  const { state, damaged } = await inspectArtifact(task.directory);
  if (state === 'finished') return false;
  if (state === 'damaged') await reopenArtifact(task.directory, damaged);
  if (state === 'unfinished' && task.afresh) {
    await removeFolder(claimsOf(task));
    await discardArtifact(task.directory);
  }
  await Promise.all(task.inputs.map(requireWhole));
  await makeDirectory(task.directory);
  await make(task, definition, hooks, lock);
  return true;
}

/** Also where another process is about to put a file into it. */
function removeFolder(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 5 });
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
  const sharing = definition.shared ? { claims: claimsOf(task), isHelper: false } : undefined;
  if (sharing !== undefined) {
    await makeDirectory(sharing.claims);
    hooks.welcomeHelp();
  }
  const engine = task.needsEngine ? await hooks.startEngine() : null;
  try {
    await runStage(task, definition, hooks, sharing);
  } catch (error) {
    // Counts the time of this session for the one that takes up the work; the error matters more than the count.
    await writeFileAtomic(path, JSON.stringify(await provenance(engine))).catch(() => undefined);
    throw error;
  }
  if (!lock.isHeld()) throw lockLost(task);
  if (sharing !== undefined) await removeFolder(sharing.claims);
  await finishArtifact(task.directory, task.identity, await provenance(engine));
}

async function runStage(
  { config, variants, inputs, directory, dataDirectory, precision }: Task,
  definition: StageDefinition,
  { progress, note, signal, askInFloat32 }: ExecutionHooks,
  sharing: Sharing | undefined,
): Promise<void> {
  const run = await definition.load();
  const shared = sharing === undefined ? {} : { sharing };
  const ask = precision === 'float32' ? {} : { askInFloat32 };
  await run({
    config,
    variants,
    inputs,
    directory,
    dataDirectory,
    ...shared,
    ...ask,
    progress,
    note,
    signal,
  });
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
