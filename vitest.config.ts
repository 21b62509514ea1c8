/** Tests run in processes of their own (TensorFlow cannot be unloaded), two at a time. */
import { Writable } from 'node:stream';
import { defineConfig } from 'vitest/config';
import type { Vitest } from 'vitest/node';

// The end-to-end files train small networks; nothing else comes near this.
const LIMIT_MS = 300_000;

/** What TensorFlow prints from a static initialiser, before any setting of ours can reach it. */
const CHATTER =
  /^WARNING: All log messages before absl::InitializeLog\(\)|port\.cc:\d+\] oneDNN custom operations/;

/** Passes the workers' stderr on, line by line, without TensorFlow's greeting. */
class QuietStderr extends Writable {
  #rest = '';

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const lines = (this.#rest + chunk.toString()).split('\n');
    this.#rest = lines.pop() ?? '';
    const kept = lines.filter((line) => !CHATTER.test(line)).map((line) => `${line}\n`);
    process.stderr.write(kept.join(''));
    done();
  }

  /** Called whenever one worker has ended; the others go on writing. */
  override end(): this {
    process.stderr.write(this.#rest);
    this.#rest = '';
    return this;
  }
}

const quietTensorFlow = {
  name: 'quiet-tensorflow',
  configureVitest({ vitest }: { vitest: Vitest }) {
    Object.assign(vitest.logger, { errorStream: new QuietStderr() });
  },
};

export default defineConfig({
  plugins: [quietTensorFlow],
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: LIMIT_MS,
    hookTimeout: LIMIT_MS,
    env: { TF_CPP_MIN_LOG_LEVEL: '2', TF_NUM_INTRAOP_THREADS: '1', TF_NUM_INTEROP_THREADS: '1' },
  },
});
