/** The bytes of a pickle file, read in order through a small buffer. Long runs of bytes are passed over and read later. */
import { readSync } from 'node:fs';

/** From here on bytes stay in the file. */
const LONG_BYTES = 1 << 20;
const BUFFER_BYTES = 1 << 16;

/** Bytes in a file. */
export class FileBytes {
  readonly path: string;
  readonly start: number;
  readonly length: number;

  constructor(path: string, start: number, length: number) {
    this.path = path;
    this.start = start;
    this.length = length;
  }
}

export class PickleInput {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #size: number;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);
  /** Place of the buffer in the file, and how much of it is filled. */
  #start = 0;
  #filled = 0;
  position = 0;

  constructor(path: string, descriptor: number, size: number) {
    this.#path = path;
    this.#descriptor = descriptor;
    this.#size = size;
  }

  byte(): number {
    return this.bytes(1)[0]!;
  }

  /** Unsigned, least byte first. */
  number(bytes: 2 | 4 | 8): number {
    const value = this.bytes(bytes);
    if (bytes < 8) return value.readUIntLE(0, bytes);
    return Number(value.readBigUInt64LE(0));
  }

  /** Up to the next line feed, which is left out. */
  line(): string {
    const parts: Buffer[] = [];
    for (;;) {
      const [from, to] = this.#buffered();
      const end = this.#buffer.subarray(0, to).indexOf(0x0a, from);
      const stop = end < 0 ? to : end;
      parts.push(Buffer.from(this.#buffer.subarray(from, stop)));
      this.position += stop - from;
      if (end < 0) continue;
      this.position++;
      return Buffer.concat(parts).toString('latin1');
    }
  }

  bytes(count: number): Buffer {
    if (this.position + count > this.#size) throw new Error(`the end of the file at ${this.#size} bytes`);
    const out = Buffer.alloc(count);
    for (let done = 0; done < count; ) {
      const [from, to] = this.#buffered();
      const part = Math.min(count - done, to - from);
      this.#buffer.copy(out, done, from, from + part);
      done += part;
      this.position += part;
    }
    return out;
  }

  /** Bytes, or their place where they are many. */
  payload(count: number): Uint8Array | FileBytes {
    if (count < LONG_BYTES) return this.bytes(count);
    if (this.position + count > this.#size) throw new Error(`the end of the file at ${this.#size} bytes`);
    this.position += count;
    return new FileBytes(this.#path, this.position - count, count);
  }

  /** First and last place in the buffer from which there are bytes to take; at least one. */
  #buffered(): [number, number] {
    if (this.position < this.#start || this.position >= this.#start + this.#filled) {
      this.#start = this.position;
      this.#filled = readSync(this.#descriptor, this.#buffer, 0, BUFFER_BYTES, this.position);
      if (this.#filled === 0) throw new Error(`the end of the file at ${this.#size} bytes`);
    }
    return [this.position - this.#start, this.#filled];
  }
}
