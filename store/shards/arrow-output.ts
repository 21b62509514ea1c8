/** A file that is written in order while its bytes are still being made; its SHA-256 is taken on the way. */
import type { FileHandle } from 'node:fs/promises';
import { HashInThread } from '../hash-thread.ts';
import { crc32 } from './crc32.ts';

/** After so many bytes the disk is asked to begin with what it has, instead of having all to do at the end. */
const FLUSH_BYTES = 16 << 20;

export class ArrowOutput {
  readonly #file: FileHandle;
  readonly #hash = new HashInThread();
  /** What is under way. */
  readonly #work = new Set<Promise<unknown>>();
  #flushed = 0;
  #isFlushing = false;
  #isEnding = false;
  position = 0;
  /** CRC-32 of all bytes so far that are not in a batch's body. */
  frameCrc32 = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /**
   * Starts to write; the bytes must stay as they are until the promise resolves. Who does not wait for it learns from
   * {@link end} what went wrong.
   */
  write(bytes: Uint8Array): Promise<unknown> {
    const uses = [this.#hash.update(bytes), this.#put(bytes, this.position)];
    this.position += bytes.length;
    for (const use of uses) this.#begin(use);
    const written = Promise.all(uses);
    written.catch(() => undefined);
    return written;
  }

  writeFrame(bytes: Uint8Array): void {
    this.frameCrc32 = crc32(bytes, this.frameCrc32);
    void this.write(bytes);
  }

  /** Waits until all is written, and returns the SHA-256. Throws what went wrong, once nothing is under way. */
  async end(): Promise<string> {
    this.#isEnding = true;
    const sha256 = this.#hash.digest();
    this.#begin(sha256);
    const outcomes = await Promise.allSettled(this.#work);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
    return sha256;
  }

  /** What fails is kept, for {@link end}, and is no unhandled rejection. */
  #begin(work: Promise<unknown>): void {
    this.#work.add(work);
    work.then(
      () => this.#work.delete(work),
      () => undefined,
    );
  }

  async #put(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      done += (await this.#file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
    }
    if (this.#isFlushing || this.#isEnding || position + bytes.length - this.#flushed < FLUSH_BYTES) return;
    this.#begin(this.#flush(position + bytes.length));
  }

  async #flush(position: number): Promise<void> {
    this.#isFlushing = true;
    await this.#file.datasync();
    this.#flushed = position;
    this.#isFlushing = false;
  }
}
