/** Programs that are measured in processes of their own, and what is said about the measurement. */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { loadavg } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';

/** Processes that wait for a core, on average of the last minute. */
const QUIET = 0.7;

/** A program and its words. */
export interface Command {
  program: string;
  words: string[];
  env?: NodeJS.ProcessEnv;
}

/** One of our own scripts, in TypeScript. */
export function tsCommand(path: string, words: string[]): Command {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  return { program: process.execPath, words: ['--import', tsx, path, ...words] };
}

/** Runs a program to its end; it prints one line of JSON. */
export function runJson<T>({ program, words, env = process.env }: Command): T {
  const { status, signal, stdout, stderr } = spawnSync(program, words, { env, encoding: 'utf8' });
  if (status === 0) return JSON.parse(stdout) as T;
  throw failed({ program, words }, signal ?? status, stderr);
}

/**
 * Runs programs side by side. Each prints the line `ready` once it could begin and waits for a line; all are let go
 * together, and then each prints one line of JSON.
 */
export async function runTogether<T>(commands: readonly Command[]): Promise<T[]> {
  const runners = commands.map(startRunner);
  await Promise.all(runners.map(({ ready }) => ready));
  for (const { child } of runners) child.stdin.write('go\n');
  return Promise.all(runners.map(async ({ result }) => JSON.parse(await result) as T));
}

function startRunner({ program, words, env = process.env }: Command) {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(program, words, {
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  const ended = new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(stdout.trim().split('\n').at(-1)!);
      else reject(failed({ program, words }, signal ?? code, stderr));
    });
  });
  const ready = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.startsWith('ready')) resolve();
    });
  });
  return { child, result: ended, ready: Promise.race([ready, ended.then(() => undefined)]) };
}

function failed({ program, words }: Command, end: string | number | null, stderr: string): Error {
  return new Error(`${program} ${words.join(' ')} ended with ${end}:\n${stderr.slice(-2000)}`);
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Says so where the machine has other things to do. */
export function doubtUnlessQuiet(): void {
  const [load] = loadavg() as [number, ...number[]];
  if (load > QUIET)
    say(`The load of this machine is ${load.toFixed(1)}: what else it does falsifies the figures.`);
}
