/** What lies below a runs directory: artifacts with their sizes and users, and locks with their holders. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { inspectArtifact } from '../store/artifacts.ts';
import { isRunning } from '../store/process-identity.ts';
import { nodeId } from './dag.ts';
import { knownExperiments, recallRun } from './last-run.ts';
import type { FoundState, RememberedNode } from './plan.ts';

export interface StoredArtifact {
  /** `<stage>-<key>`, the name of its folder. */
  id: string;
  directory: string;
  bytes: number;
  state: FoundState['state'];
  damaged: string[];
  /** Experiments whose last run needs it. */
  experiments: string[];
}

export interface StoredExperiment {
  name: string;
  nodes: RememberedNode[];
}

export interface HeldLock {
  id: string;
  /** Who holds it, in words. */
  holder: string;
}

/** The experiments that have been run, with what their last run needed. */
export async function listExperiments(runs: string): Promise<StoredExperiment[]> {
  const names = await knownExperiments(runs);
  return Promise.all(names.map(async (name) => ({ name, nodes: await recallRun(runs, name) })));
}

/** Every artifact, sorted by name. */
export async function listArtifacts(
  runs: string,
  experiments: readonly StoredExperiment[],
): Promise<StoredArtifact[]> {
  const users = new Map<string, string[]>();
  for (const { name, nodes } of experiments) {
    for (const id of new Set(nodes.map(nodeId))) users.set(id, [...(users.get(id) ?? []), name]);
  }
  const root = join(runs, 'artifacts');
  const artifacts: StoredArtifact[] = [];
  for (const id of await namesIn(root)) {
    const directory = join(root, id);
    const [found, bytes] = [await inspectArtifact(directory), await sizeOf(directory)];
    artifacts.push({ id, directory, bytes, ...found, experiments: users.get(id) ?? [] });
  }
  return artifacts;
}

/** Locks that are held, and those that a killed process left. */
export async function listLocks(runs: string): Promise<HeldLock[]> {
  const root = join(runs, 'locks');
  const locks: HeldLock[] = [];
  for (const file of (await namesIn(root)).filter((name) => name.endsWith('.lock'))) {
    const text = await readFile(join(root, file), 'utf8').catch(() => null);
    if (text !== null) locks.push({ id: file.slice(0, -'.lock'.length), holder: describeHolder(text) });
  }
  return locks;
}

function describeHolder(text: string): string {
  try {
    const { pid, host, purpose, since } = JSON.parse(text) as Record<string, unknown>;
    const isGone = host === hostname() && typeof pid === 'number' && !isRunning(pid);
    return `process ${pid} on ${host} (${purpose}) since ${since}${isGone ? '; it is gone, the next run takes over' : ''}`;
  } catch {
    return 'a file that is no lock';
  }
}

async function namesIn(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.sort();
}

async function sizeOf(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  // A running stage may rename or remove a file while we look.
  const sizes = files.map((file) => stat(join(file.parentPath, file.name)).catch(() => ({ size: 0 })));
  return (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0);
}
