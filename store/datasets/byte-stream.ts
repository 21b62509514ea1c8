/** Takes exact numbers of bytes from chunks as they come, so that a file need not fit into memory. */
import { createReadStream } from 'node:fs';

/** A stream that ends before it should. The message completes "found that …". */
export class StreamEndError extends Error {
  constructor(bytes: number) {
    super(`it ends after ${bytes} bytes`);
  }
}

export class ByteStream {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Bytes taken so far. */
  position = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Fills `out`, or throws {@link StreamEndError}. */
  async fill(out: Uint8Array): Promise<void> {
    for (let done = 0; done < out.length; ) {
      const part = await this.#part(out.length - done);
      if (part === null) throw new StreamEndError(this.position);
      out.set(part, done);
      done += part.length;
    }
  }

  async take(bytes: number): Promise<Buffer> {
    const out = Buffer.alloc(bytes);
    await this.fill(out);
    return out;
  }

  async skip(bytes: number): Promise<void> {
    for (let left = bytes; left > 0; ) {
      const part = await this.#part(left);
      if (part === null) throw new StreamEndError(this.position);
      left -= part.length;
    }
  }

  /** Reads what is left, so that checksums at the end are checked; returns how many bytes that was. */
  async drain(): Promise<number> {
    const start = this.position;
    while ((await this.#part(Number.POSITIVE_INFINITY)) !== null);
    return this.position - start;
  }

  /** Ends the stream early. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  /** At least one and at most `most` bytes; null at the end. */
  async #part(most: number): Promise<Uint8Array | null> {
    while (this.#at === this.#chunk.length) {
      const { done, value } = await this.#chunks.next();
      if (done) return null;
      this.#chunk = value;
      this.#at = 0;
    }
    const part = this.#chunk.subarray(this.#at, Math.min(this.#chunk.length, this.#at + most));
    this.#at += part.length;
    this.position += part.length;
    return part;
  }
}

/** Part of a file, from `start` on; `bytes` long, or to its end. */
export function streamFile(path: string, start = 0, bytes = Number.POSITIVE_INFINITY): ByteStream {
  if (bytes === 0) return new ByteStream((async function* () {})());
  const end = start + bytes - 1;
  return new ByteStream(createReadStream(path, { start, end, highWaterMark: 1 << 20 }));
}
