/** SHA-256 in another thread, so that taking it (1 GB/s) and making the bytes go on side by side. */
import { Worker } from 'node:worker_threads';

const SCRIPT = new URL('./hash-worker.mjs', import.meta.url);

interface Waiting {
  resolve(answer: string | null): void;
  reject(error: Error): void;
}

/** One for the process, started when it is first needed; answers come in the order of the questions. */
let thread: Worker | null = null;
const waiting: Waiting[] = [];
let nextId = 0;

function start(): Worker {
  const worker = new Worker(SCRIPT, { execArgv: [] });
  worker.on('message', (answer: string | null) => {
    waiting.shift()!.resolve(answer);
    // It must not keep the process running when nothing is asked for.
    if (waiting.length === 0) worker.unref();
  });
  worker.on('error', (error) => {
    thread = null;
    for (const { reject } of waiting.splice(0)) reject(error);
  });
  return worker;
}

function ask(id: number, bytes: Uint8Array | null): Promise<string | null> {
  thread ??= start();
  thread.ref();
  thread.postMessage({ id, bytes });
  return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
}

export class HashInThread {
  readonly #id = nextId++;

  /** Resolves once the bytes may be changed, if they are in shared memory; other bytes are copied at once. */
  async update(bytes: Uint8Array): Promise<void> {
    await ask(this.#id, bytes);
  }

  /** Hexadecimal; call it once, also where the work is given up. */
  async digest(): Promise<string> {
    return (await ask(this.#id, null))!;
  }
}
