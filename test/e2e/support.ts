/** Runs the real program as a user does, in processes of its own, below a temporary folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const BIN = join(import.meta.dirname, '../../pipeline/bin.mjs');

/** USPS in miniature: every stage does its real work on a few images with few steps. */
export const MINI_USPS = `
name: mini
dataset: { name: usps, trainImages: 240, testImages: 60 }
score:
  network: { kind: unet, patch: 2, channels: 8, multipliers: [1, 2], attention: [4] }
  steps: 60
  batchSize: 32
  checkpointSteps: 3
precompute: { shardImages: 48, batchSize: 128, draws: 3 }
train:
  network:
    kind: cnn
    layers:
      - { kind: conv, channels: 4 }
      - relu
      - { kind: conv, channels: 8, stride: 2 }
      - relu
      - flatten
      - { kind: dense, units: 16 }
      - relu
      - dense
  epochs: 8
  batchSize: 64
  checkpointSteps: 2
  augment: { shift: 1 }
attack:
  attacks:
    - { method: fgsm, norm: Linf, eps: [0.05] }
    - { method: pgd, norm: L2, eps: [0.5], steps: 5, randomStart: true, restarts: 2 }
    - { method: pgd, norm: L2, eps: [1], steps: 5, targeted: true }
  batchSize: 32
analyze: { images: 3, alignmentImages: 40, pictureSteps: 5 }
variants:
  - { label: vanilla, train: { method: vanilla } }
  - { label: sbg, precompute: { method: sbg } }
  - { label: nearest-neighbor, precompute: { method: nearest-neighbor } }
`;

/** A folder with an experiment file and a runs directory. */
export interface Project {
  folder: string;
  runs: string;
  config: string;
}

export function makeProject(experiment: string): Project {
  const folder = mkdtempSync(join(tmpdir(), 'pag-e2e-'));
  const config = join(folder, 'experiment.yaml');
  writeFileSync(config, experiment);
  return { folder, runs: join(folder, 'runs'), config };
}

/** Starts the program in a process group of its own. */
export function start({ config, runs, folder }: Project, words: string[]): ChildProcess {
  const args = [BIN, ...words, '--config', config, '--runs', runs];
  return spawn(process.execPath, args, { cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** What the program printed, and how it ended. */
export async function finished(
  child: ChildProcess,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const text = { stdout: '', stderr: '' };
  child.stdout!.on('data', (chunk) => {
    text.stdout += chunk;
  });
  child.stderr!.on('data', (chunk) => {
    text.stderr += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, ...text };
}

export const run = (project: Project, ...words: string[]) => finished(start(project, ['run', ...words]));

/** kill -9 for the program and all its workers. */
export function killAll(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** All files below a folder. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

/** sha256 of every file of every artifact but those that name a time or a machine. */
export function artifactHashes({ runs }: Project): Record<string, string> {
  const root = join(runs, 'artifacts');
  const stable = filesBelow(root).filter(
    (path) => !/(provenance\.json|timings\.parquet)$|\/tensorboard\//.test(path),
  );
  return Object.fromEntries(
    stable.map((path) => [
      relative(root, path),
      createHash('sha256').update(readFileSync(path)).digest('hex'),
    ]),
  );
}

/** The one artifact folder of a stage whose manifest fits. */
export function artifactsOf({ runs }: Project, stage: string): string[] {
  const root = join(runs, 'artifacts');
  return readdirSync(root)
    .filter((name) => name.startsWith(`${stage}-`))
    .map((name) => join(root, name));
}
