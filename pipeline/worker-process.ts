/** A worker process as its parent sees it: started for one task, asked to stop, and its end put into words. */
import { type ChildProcess, fork } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { fromErrorRecord, PipelineError } from '../schemas/errors.ts';
import type { Progress } from '../schemas/stage.ts';
import type { FromWorker, Task, ToWorker } from './worker-protocol.ts';

const PROGRAM = fileURLToPath(new URL('./worker.ts', import.meta.url));
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

export interface WorkerHooks {
  waiting(holder: string): void;
  progress(line: Progress): void;
  note(sentence: string): void;
  /** What the worker wrote to its stdout and stderr. */
  output(text: string): void;
}

export interface WorkerProcess {
  /** Whether the artifact was made here, and not found made by somebody else. Rejects with the worker's error. */
  outcome: Promise<boolean>;
  /** Asks it to save its work and end. */
  stop(): void;
  /** Ends it without saving. */
  kill(): void;
}

/**
 * Starts a worker on a task. Its output is appended to the file `log`.
 * The outcome rejects with `WORKER_DIED` where the process ended without a word.
 */
export function startWorker(task: Task, log: string, hooks: WorkerHooks): WorkerProcess {
  const child = fork(PROGRAM, [], {
    execArgv: ['--import', TSX],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const tell = (message: ToWorker) => {
    // A worker that has just ended cannot be told anything; its end is reported by the outcome.
    if (child.connected) child.send(message, () => undefined);
  };
  record(child, log, hooks);
  const outcome = outcomeOf(child, task, log, hooks);
  tell({ say: 'start', task });
  return { outcome, stop: () => tell({ say: 'stop' }), kill: () => void child.kill('SIGKILL') };
}

function record(child: ChildProcess, log: string, hooks: WorkerHooks): void {
  const file: WriteStream = createWriteStream(log, { flags: 'a' });
  // Full disks and the like are met and told by the work itself; the log may be missing then.
  file.on('error', () => undefined);
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      file.write(text);
      hooks.output(text);
    });
  }
  child.on('close', () => file.end());
}

function outcomeOf(child: ChildProcess, task: Task, log: string, hooks: WorkerHooks): Promise<boolean> {
  let last: FromWorker | undefined;
  child.on('message', (message: FromWorker) => {
    if (message.say === 'waiting') hooks.waiting(message.holder);
    else if (message.say === 'note') hooks.note(message.sentence);
    else if (message.say === 'progress') hooks.progress(message.line);
    else {
      last = message;
      // The worker stays until it is let go, so that its last message is never lost.
      child.disconnect();
    }
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (last?.say === 'done') resolve(last.made);
      else if (last?.say === 'failed') reject(fromErrorRecord(last.error));
      else reject(workerDied(task, log, code, signal));
    });
  });
}

function workerDied(task: Task, log: string, code: number | null, signal: string | null): PipelineError {
  const memory =
    signal === 'SIGKILL'
      ? ', as the system does when memory runs out; lower --jobs or the batch size if that is so'
      : '';
  const end = signal === null ? `that it ended with exit code ${code}` : `that it was killed by ${signal}`;
  return new PipelineError(
    'WORKER_DIED',
    `Expected the worker of ${task.name} to finish, found ${end}${memory}. Its output is in ${log}; run the same command again to go on.`,
    { place: { stage: task.identity.stage, artifact: task.directory } },
  );
}
