/**
 * One file from the first of several places that gives it, whole and with the right checksum. What has come stays
 * through a cut connection, Ctrl-C and kill -9; the next attempt asks for the rest.
 */

import { open, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PipelineError } from '../../schemas/errors.ts';
import { publishFile, translateDiskError } from '../../store/atomic-file.ts';
import { asRefusal, hasOpenEnd, Refusal, rangeOf, readHead, validatorOf } from './answers.ts';
import { httpGet } from './http-get.ts';
import { beginPartial, discardPartial, type PartialFile, readPartial } from './partial-file.ts';
import { hasChecksum, type RemoteFile, whatIsWrong } from './remote-file.ts';

export interface DownloadOptions {
  environment: NodeJS.ProcessEnv;
  signal: AbortSignal;
  /** `total` is null where nobody says it. */
  onProgress: (done: number, total: number | null) => void;
  /** Sentences about what went another way than hoped. */
  onNote: (sentence: string) => void;
  /** A server that sends nothing for so long is given up. @default 60000 */
  idleMs?: number;
  /** Before the second attempt; doubled for each further one. @default 1000 */
  pauseMs?: number;
}

/** Attempts at one place that bring no byte more than was there. */
const FRUITLESS_ATTEMPTS = 4;

/**
 * Puts the file at `path`; the caller holds the lock for that. Throws `DOWNLOAD_FAILED` with each place and its reason,
 * `INTERRUPTED`, `DISK_FULL` or `NOT_WRITABLE`.
 */
export async function downloadFile(file: RemoteFile, path: string, options: DownloadOptions): Promise<void> {
  const reasons: string[] = [];
  for (const url of file.urls) {
    try {
      await fetchFrom(url, file, path, options);
      const { path: part } = await readPartial(path);
      await publishFile(part, path);
      return await discardPartial(path);
    } catch (error) {
      if (!(error instanceof Refusal)) throw translateDiskError(error, path);
      reasons.push(`  ${url}\n    ${error.message}`);
      if (url !== file.urls.at(-1)) options.onNote(`${url}: ${error.message}; trying the next place`);
    }
  }
  const message = `Expected ${basename(path)} from one of these places, found none that gives it:\n${reasons.join('\n')}`;
  throw new PipelineError('DOWNLOAD_FAILED', message);
}

/** Leaves the whole file, checked, under its partial name; afresh where an earlier attempt's bytes do not fit. */
async function fetchFrom(
  url: string,
  file: RemoteFile,
  path: string,
  options: DownloadOptions,
): Promise<void> {
  const { bytes: before } = await readPartial(path);
  await receive(url, file, path, options);
  const { path: part } = await readPartial(path);
  const wrong = await whatIsWrong(file, part);
  if (wrong === null) return;
  await discardPartial(path);
  if (before === 0) throw new Refusal(wrong, true);
  options.onNote('what an earlier attempt had left does not fit; starting afresh');
  return fetchFrom(url, file, path, options);
}

/** Asks for the rest until all of it is there, as long as that makes headway. */
async function receive(url: string, file: RemoteFile, path: string, options: DownloadOptions): Promise<void> {
  let [most, fruitless] = [(await readPartial(path)).bytes, 0];
  for (;;) {
    try {
      return await receiveRest(url, file, path, options);
    } catch (error) {
      if (options.signal.aborted) throw new PipelineError('INTERRUPTED', 'Stopped.', { cause: error });
      const refusal = asRefusal(error);
      const { bytes } = await readPartial(path);
      fruitless = bytes > most ? 1 : fruitless + 1;
      most = Math.max(most, bytes);
      if (refusal.isFinal || fruitless >= FRUITLESS_ATTEMPTS) throw refusal;
      const pauseMs = (options.pauseMs ?? 1000) * 2 ** (fruitless - 1);
      await sleep(pauseMs, undefined, { signal: options.signal }).catch(() => undefined);
    }
  }
}

async function receiveRest(
  url: string,
  file: RemoteFile,
  path: string,
  options: DownloadOptions,
): Promise<void> {
  const kept = usable(await readPartial(path), url, file);
  if (kept.bytes > 0 && kept.bytes === file.bytes) return;
  const { environment, signal, idleMs = 60_000 } = options;
  const headers = { 'User-Agent': 'pag-pipeline', 'Accept-Encoding': 'identity', ...rangeOf(kept, url) };
  const answer = await httpGet(url, { headers, environment, signal, idleMs });
  try {
    const { kind, total } = readHead(answer, kept.bytes, file);
    if (kept.bytes > 0 && kind !== 'rest')
      options.onNote('the server does not go on from there; starting afresh');
    if (kind === 'none') {
      await discardPartial(path);
      return await receiveRest(url, file, path, options);
    }
    const partial =
      kind === 'rest' ? kept : await beginPartial(path, { url, validator: validatorOf(answer) });
    await append(answer, partial, total, options.onProgress);
    // Without a length the end of the connection is that of the file, also where we have ended it.
    signal.throwIfAborted();
    if (hasOpenEnd(answer)) await requireAll(partial.path, file);
  } finally {
    answer.destroy();
  }
}

/**
 * The bytes that are there, if they are of the same version of this file, or if a checksum will tell whether they fit.
 * Those that nothing vouches for are as good as none.
 */
function usable(partial: PartialFile, url: string, file: RemoteFile): PartialFile {
  const isSame = partial.origin?.url === url && partial.origin.validator !== null;
  const isTooLong = file.bytes !== undefined && partial.bytes > file.bytes;
  return (isSame || hasChecksum(file)) && !isTooLong ? partial : { ...partial, bytes: 0 };
}

/** A shorter file than was published is one that was cut, and may go on. */
async function requireAll(path: string, file: RemoteFile): Promise<void> {
  const { size } = await stat(path);
  if (file.bytes === undefined || size >= file.bytes) return;
  throw new Refusal((await whatIsWrong(file, path))!, false);
}

async function append(
  answer: IncomingMessage,
  partial: PartialFile,
  total: number | null,
  onProgress: DownloadOptions['onProgress'],
): Promise<void> {
  let done = partial.bytes;
  const file = await open(partial.path, 'a');
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      await file.writeFile(chunk);
      done += chunk.length;
      onProgress(done, total);
      // A server that never ends must not fill the disk; what is wrong with the file is found out as for any other.
      if (total !== null && done > total) break;
    }
  } finally {
    await file.close();
  }
}
