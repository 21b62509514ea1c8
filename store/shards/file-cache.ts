/** Keeps a bounded number of files open for reading; the one that was not used for longest is closed first. */
import { type FileHandle, open } from 'node:fs/promises';

interface Entry {
  file: Promise<FileHandle>;
  /** Uses under way. */
  users: number;
}

export class FileCache {
  readonly #limit: number;
  /** By path, in the order of last use. */
  readonly #entries = new Map<string, Entry>();
  readonly #uses = new Set<Promise<unknown>>();
  #isClosed = false;

  /** @param limit files kept open; more only while more are in use at once */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Files that are open or being opened. */
  get size(): number {
    return this.#entries.size;
  }

  /** Opens `path`, or takes it where it is open, and keeps it open until `work` has ended. */
  async use<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new Error(`Expected ${path} to be read before its reader is closed.`);
    const use = this.#use(path, work);
    this.#uses.add(use);
    try {
      return await use;
    } finally {
      this.#uses.delete(use);
    }
  }

  async #use<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
    const entry = this.#entries.get(path) ?? { file: open(path, 'r'), users: 0 };
    // Set again, it becomes the last one in the map's order.
    this.#entries.delete(path);
    this.#entries.set(path, entry);
    entry.users++;
    try {
      return await work(await this.#opened(path, entry));
    } finally {
      entry.users--;
      await this.#closeSurplus();
    }
  }

  /** A file that could not be opened is forgotten, so that it can be tried again. */
  async #opened(path: string, entry: Entry): Promise<FileHandle> {
    try {
      return await entry.file;
    } catch (error) {
      if (this.#entries.get(path) === entry) this.#entries.delete(path);
      throw error;
    }
  }

  async #closeSurplus(): Promise<void> {
    for (const [path, { file, users }] of this.#entries) {
      if (this.#entries.size <= this.#limit) return;
      if (users > 0) continue;
      this.#entries.delete(path);
      await (await file).close();
    }
  }

  /** Waits until no file is in use, and closes all. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#uses);
    const files = [...this.#entries.values()].map((entry) => entry.file);
    this.#entries.clear();
    for (const file of files) await (await file).close();
  }
}
