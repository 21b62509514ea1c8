/** What filling the store takes: bytes before it starts, time as soon as some batches are done. */
import { PipelineError } from '../../schemas/errors.ts';
import type { StageContext } from '../../schemas/stage.ts';
import { freeBytes } from '../../store/free-bytes.ts';
import { showBytes } from '../../store/show-bytes.ts';

/** Room that the file system and the other files of a run need besides. */
const SPARE = 1.02;
/** The time is told after so many seconds of work, and only if there is more than that ahead. */
const MEASURED_SEC = 5;

/**
 * Throws `DISK_FULL` where the disk cannot hold what is to be written.
 *
 * @param free bytes that are free on the disk of a folder
 */
export async function requireRoom(
  directory: string,
  bytes: number,
  free: (directory: string) => Promise<number> = freeBytes,
): Promise<void> {
  const room = await free(directory);
  const needed = Math.ceil(bytes * SPARE);
  if (room >= needed) return;
  throw new PipelineError(
    'DISK_FULL',
    `Expected ${showBytes(needed)} of free space for the target gradients in ${directory}, found ${showBytes(room)}; ` +
      'free some, choose a folder on another disk (--runs DIR), or store less (precompute.codec, precompute.targets).',
  );
}

/** Reports progress, and once how much there is to write and how long that takes. */
export class Estimate {
  readonly #bytes: number;
  readonly #total: number;
  readonly #context: Pick<StageContext, 'progress' | 'note' | 'sharing'>;
  /** Images of the shards that were computed here. */
  #computed = 0;
  /** Images of the shards that are finished, whoever made them. */
  #finished: number;
  /** At the end of the first batch, which takes longer than the others. */
  #start: { done: number; atMs: number } | null = null;
  #isTold = false;

  /**
   * @param bytes to be written
   * @param images to be computed
   * @param total images of the data set
   */
  constructor(
    bytes: number,
    images: number,
    total: number,
    context: Pick<StageContext, 'progress' | 'note' | 'sharing'>,
  ) {
    this.#bytes = bytes;
    this.#finished = total - images;
    this.#total = total;
    this.#context = context;
  }

  /** @param inShard images of the shard at hand that are done */
  tell(inShard: number, nowMs = performance.now()): void {
    const done = this.#computed + inShard;
    this.#context.progress({
      done: this.#finished + inShard,
      underway: inShard,
      total: this.#total,
      unit: 'images',
    });
    if (this.#start === null) this.#start = { done, atMs: nowMs };
    else if (!this.#isTold) this.#tellTime(inShard, (nowMs - this.#start.atMs) / 1000);
  }

  /** @param finishedImages images of the shards that are finished as another one is begun */
  openShard(finishedImages: number): void {
    this.#finished = finishedImages;
  }

  closeShard(images: number): void {
    this.#computed += images;
    this.#finished += images;
  }

  /** By the speed of this process: others may join or leave. */
  #tellTime(inShard: number, seconds: number): void {
    const images = this.#computed + inShard - this.#start!.done;
    if (seconds < MEASURED_SEC || images === 0) return;
    this.#isTold = true;
    const ahead = ((this.#total - this.#finished - inShard) * seconds) / images;
    if (ahead > MEASURED_SEC && !this.#context.sharing?.isHelper)
      this.#context.note(`${showBytes(this.#bytes)}, ${inWords(ahead)} to go`);
  }
}

/** `about 40 seconds`, `about 12 minutes`, `about 3.5 hours`. */
export function inWords(seconds: number): string {
  if (seconds < 90) return `about ${Math.max(10, Math.round(seconds / 10) * 10)} seconds`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} minutes`;
  return `about ${(Math.round(seconds / 1800) / 2).toString()} hours`;
}
