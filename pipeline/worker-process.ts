/** A worker process as its parent sees it: given one task after another, asked to stop, and its end put into words. */
import { type ChildProcess, fork } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { fromErrorRecord, PipelineError } from '../schemas/errors.ts';
import type { Precision } from '../schemas/setting-types.ts';
import type { Progress } from '../schemas/stage.ts';
import type { FromWorker, Task, ToWorker } from './worker-protocol.ts';

const PROGRAM = fileURLToPath(new URL('./worker.ts', import.meta.url));
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
/** A worker that has grown beyond this is not used again, so that what one stage leaves does not burden the next. */
const REUSE_BYTES = 1 << 30;

export interface TaskHooks {
  waiting(holder: string): void;
  progress(line: Progress): void;
  note(sentence: string): void;
  /** Other workers may help with the artifact. */
  welcome(): void;
  /** What the worker wrote to its stdout and stderr. */
  output(text: string): void;
}

/** The task a worker is at. */
interface Assignment {
  task: Task;
  log: string;
  file: WriteStream;
  hooks: TaskHooks;
  resolve(made: boolean): void;
  reject(error: unknown): void;
}

/**
 * Owns one process. Starting one takes most of a second, and the engine another, so it is used for many tasks; after
 * an error it is not used again.
 */
export class WorkerProcess {
  /** Precision of the engine that it has brought up, which stays for its life; null before that. */
  engine: Precision | null = null;
  private readonly child: ChildProcess;
  private readonly closed: Promise<void>;
  private current: Assignment | null = null;
  private isSpent = false;

  constructor() {
    this.child = fork(PROGRAM, [], {
      execArgv: ['--import', TSX],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => this.record(text));
    }
    this.child.on('message', (message: FromWorker) => this.hear(message));
    this.child.on('error', (error) => this.settle((assignment) => assignment.reject(error)));
    this.closed = new Promise((resolve) => {
      this.child.on('close', (code, signal) => {
        this.isSpent = true;
        this.settle(({ task, log, reject }) => reject(workerDied(task, log, code, signal)));
        resolve();
      });
    });
  }

  /** Whether it may be given another task. */
  get isFree(): boolean {
    return !this.isSpent && this.current === null && this.child.connected;
  }

  /**
   * Carries out a task; output is appended to the file `log`. Resolves to whether the artifact was made here, and not
   * found made by somebody else. Rejects with the worker's error, or with `WORKER_DIED` where it ended without one.
   */
  run(task: Task, log: string, hooks: TaskHooks): Promise<boolean> {
    const file = createWriteStream(log, { flags: 'a' });
    // Full disks and the like are met and told by the work itself; the log may be missing then.
    file.on('error', () => undefined);
    if (task.needsEngine) this.engine = task.precision;
    return new Promise((resolve, reject) => {
      this.current = { task, log, file, hooks, resolve, reject };
      this.tell({ say: 'start', task });
    });
  }

  /** Asks it to save its work. */
  stop(): void {
    this.tell({ say: 'stop' });
  }

  /** Ends it without saving. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  /** Lets it go when it has nothing to do; resolves when it is gone. */
  end(): Promise<void> {
    this.isSpent = true;
    // It is told rather than disconnected: after its own `disconnect` Node never reports a child as closed.
    this.tell({ say: 'end' });
    return this.closed;
  }

  private tell(message: ToWorker): void {
    // One that has just died cannot be told anything; that is reported when it is closed.
    if (this.child.connected) this.child.send(message, () => undefined);
  }

  private record(text: string): void {
    this.current?.file.write(text);
    this.current?.hooks.output(text);
  }

  private hear(message: FromWorker): void {
    const { current } = this;
    if (message.say === 'waiting') current?.hooks.waiting(message.holder);
    else if (message.say === 'note') current?.hooks.note(message.sentence);
    else if (message.say === 'welcome') current?.hooks.welcome();
    else if (message.say === 'progress') current?.hooks.progress(message.line);
    else if (message.say === 'done') {
      this.isSpent ||= message.memoryBytes > REUSE_BYTES;
      this.settle(({ resolve }) => resolve(message.made));
    } else {
      this.isSpent = true;
      this.settle(({ reject }) => reject(fromErrorRecord(message.error)));
    }
  }

  private settle(how: (assignment: Assignment) => void): void {
    const { current } = this;
    this.current = null;
    current?.file.end();
    if (current !== null) how(current);
  }
}

function workerDied(task: Task, log: string, code: number | null, signal: string | null): PipelineError {
  if (signal === 'SIGINT') {
    // Ctrl-C reaches the whole group of processes; this one was not yet listening.
    return new PipelineError('INTERRUPTED', 'Stopped on request; what was finished is kept.');
  }
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
