/** Adds up what the workers of one artifact say of their progress. Pure. */
import type { Progress } from '../schemas/stage.ts';

export class SharedProgress {
  /** The last line of each worker. */
  readonly #lines = new Map<object, Progress>();
  #done = 0;

  /**
   * Takes a worker's line and returns it with the work of all: what is finished, which each knows from the disk, and
   * what each has under way. It never goes back, although the workers speak at different times.
   */
  read(worker: object, line: Progress): Progress {
    this.#lines.set(worker, line);
    const lines = [...this.#lines.values()];
    const finished = Math.max(...lines.map(({ done, underway = 0 }) => done - underway));
    const begun = lines.reduce((sum, { underway = 0 }) => sum + underway, 0);
    this.#done = Math.max(this.#done, Math.min(line.total, finished + begun));
    const { underway: _, ...rest } = line;
    return { ...rest, done: this.#done };
  }

  /** A worker has left: what it had under way is finished, or lost. */
  leave(worker: object): void {
    this.#lines.delete(worker);
  }
}
