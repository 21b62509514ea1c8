/** Downloads from a server of our own that cuts, changes, lacks and lies. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { downloadFile } from '../../../pipeline/download/download-file.ts';
import type { RemoteFile } from '../../../pipeline/download/remote-file.ts';
import { MAY_MOUNT, NEEDS_MOUNT, smallDisk } from '../../store/support/small-disk.ts';
import { temporaryFolder } from '../../store/support/temporary-folder.ts';
import { type FileServer, fileServer } from './file-server.ts';

const BYTES = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i * 31 + (i >> 7)) % 251));
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const OFFICIAL = { bytes: BYTES.length, sha256: sha256(BYTES) };

/** Downloads; tells notes and the first and last progress. */
async function download(file: RemoteFile, path: string, signal = new AbortController().signal) {
  const notes: string[] = [];
  const progress: [number, number | null][] = [];
  await downloadFile(file, path, {
    environment: {},
    signal,
    onNote: (sentence) => notes.push(sentence),
    onProgress: (done, total) => progress.push([done, total]),
    idleMs: 300,
    pauseMs: 1,
  });
  expect(readdirSync(dirname(path))).toEqual(['file.bin']);
  expect(progress.at(-1) ?? [BYTES.length, BYTES.length]).toEqual([BYTES.length, BYTES.length]);
  return notes;
}

const target = async () => join(await temporaryFolder(), 'file.bin');
const from = (...servers: FileServer[]) => ({ ...OFFICIAL, urls: servers.map(({ url }) => url) });

/** Leaves what an interrupted download leaves. */
function leavePart(path: string, bytes: Buffer, origin: object | null): void {
  writeFileSync(`${path}.part`, bytes);
  if (origin !== null) writeFileSync(`${path}.part.json`, JSON.stringify(origin));
}

/** First byte of a request. */
const startOf = (range: string) => Number(/^bytes=(\d+)-$/.exec(range)?.[1]);

/** A cut connection may lose the last bytes on their way, never those that the download already has. */
function expectWithin(start: number, after: number, upTo: number): void {
  expect(start).toBeGreaterThan(after);
  expect(start).toBeLessThanOrEqual(upTo);
}

describe('a download', () => {
  it('goes on where a connection was cut', async () => {
    const path = await target();
    const server = await fileServer(BYTES, { cuts: [100_000, 50_000] });
    expect(await download(from(server), path)).toEqual([]);
    expect(readFileSync(path).equals(BYTES)).toBe(true);
    const [first = 0, second = 0] = server.asked.slice(1).map(startOf);
    expectWithin(first, 0, 100_000);
    expectWithin(second, first, first + 50_000);
    expect(server.asked).toHaveLength(3);
  });

  it('starts afresh where the file has changed meanwhile', async () => {
    const path = await target();
    const server = await fileServer(BYTES);
    leavePart(path, Buffer.alloc(1000), { url: server.url, validator: '"zero"' });
    const notes = await download({ urls: [server.url] }, path);
    expect(notes).toEqual(['the server does not go on from there; starting afresh']);
    expect(readFileSync(path).equals(BYTES)).toBe(true);
    expect(server.asked).toEqual(['bytes=1000-']);
  });

  it('starts afresh where the server gives no parts', async () => {
    const path = await target();
    const server = await fileServer(BYTES, { hasRanges: false, cuts: [100_000] });
    expect(await download(from(server), path)).toEqual([
      'the server does not go on from there; starting afresh',
    ]);
    expect(readFileSync(path).equals(BYTES)).toBe(true);
  });

  it('takes the date for the version where there is no ETag', async () => {
    const path = await target();
    const date = 'Wed, 21 Oct 2015 07:28:00 GMT';
    const conditions: unknown[] = [];
    const server = await fileServer(BYTES, {
      answer: (request, response) => {
        conditions.push(request.headers['if-range']);
        response.writeHead(200, { 'Last-Modified': date, ETag: 'W/"weak"', 'Content-Length': BYTES.length });
        if (conditions.length > 1) response.end(BYTES);
        else response.write(BYTES.subarray(0, 10), () => void cutOnceThere(response));
      },
    });
    const cutOnceThere = async (response: ServerResponse) => {
      while (!existsSync(`${path}.part`) || statSync(`${path}.part`).size < 10) await sleep(5);
      response.destroy();
    };
    await download({ urls: [server.url] }, path);
    expect(conditions).toEqual([undefined, date]);
  });

  it('starts afresh where nothing vouches for what is there', async () => {
    const path = await target();
    const server = await fileServer(BYTES, { etag: null });
    leavePart(path, BYTES.subarray(0, 1000), { url: server.url, validator: null });
    await download({ urls: [server.url] }, path);
    leavePart(path, BYTES.subarray(0, 1000), null);
    await download(from(server), path);
    leavePart(path, Buffer.alloc(BYTES.length + 1), { url: server.url, validator: null });
    await download(from(server), path);
    expect(server.asked).toEqual(['all', 'all', 'all']);
  });

  it('goes on at another place if a checksum will tell whether both fit', async () => {
    const path = await target();
    const broken = await fileServer(BYTES, {
      cuts: [100_000, 0, 0, 0, 0],
    });
    const whole = await fileServer(BYTES, { etag: '"two"' });
    const notes = await download(from(broken, whole), path);
    expect(notes).toEqual([`${broken.url}: the connection was cut; trying the next place`]);
    expect(whole.asked).toHaveLength(1);
    expectWithin(startOf(whole.asked[0] ?? ''), 0, 100_000);
    expect(readFileSync(path).equals(BYTES)).toBe(true);
  });

  it('throws away a part that does not fit, once', async () => {
    const path = await target();
    const server = await fileServer(BYTES);
    leavePart(path, Buffer.alloc(1000), { url: server.url, validator: '"one"' });
    expect(await download(from(server), path)).toEqual([
      'what an earlier attempt had left does not fit; starting afresh',
    ]);
    expect(server.asked).toEqual(['bytes=1000-', 'all']);
    expect(readFileSync(path).equals(BYTES)).toBe(true);
  });

  it('asks for nothing if all of it is there', async () => {
    const path = await target();
    leavePart(path, BYTES, { url: 'http://elsewhere', validator: null });
    const server = await fileServer(BYTES);
    await download(from(server), path);
    expect(server.asked).toEqual([]);
  });

  it('starts afresh where the server has nothing from there on', async () => {
    const path = await target();
    const server = await fileServer(BYTES);
    leavePart(path, Buffer.alloc(BYTES.length + 5), { url: server.url, validator: '"one"' });
    await download({ urls: [server.url] }, path);
    expect(server.asked).toEqual([`bytes=${BYTES.length + 5}-`, 'all']);
    expect(readFileSync(path).equals(BYTES)).toBe(true);
  });

  it('follows where a server sends on to', async () => {
    const path = await target();
    const server = await fileServer(BYTES);
    const first = await fileServer(BYTES, {
      answer: (_, response) => response.writeHead(302, { Location: server.url }).end(),
    });
    await download(from(first), path);
    expect(readFileSync(path).equals(BYTES)).toBe(true);
  });

  it('keeps the bytes that a server marks as packed', async () => {
    const path = await target();
    const server = await fileServer(BYTES, {
      answer: (_, response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(BYTES),
    });
    await download(from(server), path);
    expect(readFileSync(path).equals(BYTES)).toBe(true);
  });

  it('goes on where a server without lengths was cut, and keeps what has come when it is stopped', async () => {
    const path = await target();
    const server = await fileServer(BYTES, {
      answer: (_, response) => {
        response.socket!.write('HTTP/1.0 200 OK\r\nETag: "one"\r\n\r\n');
        response.socket!.write(BYTES.subarray(0, 1000));
      },
    });
    const stopping = new AbortController();
    const stopped = download(from(server), path, stopping.signal);
    while (!existsSync(`${path}.part`) || statSync(`${path}.part`).size < 1000) await sleep(5);
    stopping.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(statSync(`${path}.part`).size).toBe(1000);

    server.file.answer = (_, response) => {
      delete server.file.answer;
      response.socket!.write(
        `HTTP/1.0 206 Partial Content\r\nETag: "one"\r\nContent-Range: bytes 1000-299999/300000\r\n\r\n`,
      );
      response.socket!.end(BYTES.subarray(1000, 5000));
    };
    expect(await download(from(server), path)).toEqual([]);
    expect(readFileSync(path).equals(BYTES)).toBe(true);
    expect(server.asked).toEqual(['all', 'bytes=1000-', 'bytes=5000-']);
  });

  it('keeps what has come when it is stopped', async () => {
    const path = await target();
    const stop = new AbortController();
    const server = await fileServer(BYTES, {
      answer: (_, response) => {
        response.writeHead(200, { 'Content-Length': BYTES.length, ETag: '"one"' });
        response.write(BYTES.subarray(0, 7000), () => setTimeout(() => stop.abort(), 50));
      },
    });
    await expect(download(from(server), path, stop.signal)).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(readFileSync(`${path}.part`).equals(BYTES.subarray(0, 7000))).toBe(true);
    expect(existsSync(path)).toBe(false);
  });
});

describe('a place that does not give the file', () => {
  const say = (answer: (request: IncomingMessage, response: ServerResponse) => void) => ({ answer });
  const status = (code: number, headers = {}) =>
    say((_, response) => response.writeHead(code, headers).end('no'));
  const other = Buffer.from(BYTES).fill(7, 100, 200);

  it.each([
    ['HTTP 404', status(404), 1],
    ['HTTP 503', status(503), 4],
    ['the connection was cut', say((_, response) => response.destroy()), 4],
    ['nothing came for 0.3 s', say(() => undefined), 4],
    [
      'nothing came for 0.3 s',
      say((_, response) => {
        response.writeHead(200, { 'Content-Length': BYTES.length });
        response.write('a');
      }),
      4,
    ],
    [
      'the file there has 3 bytes instead of 300000',
      say((_, response) => response.writeHead(200, { 'Content-Length': 3 }).end('abc')),
      1,
    ],
    [
      '15 bytes that begin with "<html>no</html>" instead of 300000',
      say((_, response) => response.writeHead(200).end('<html>no</html>')),
      1,
    ],
    [`sha256 ${sha256(other)} instead of ${sha256(BYTES)}`, say((_, response) => response.end(other)), 1],
    ['answers with another part than the one asked for', status(206), 1],
    ['sends on more than 10 times', status(301, { Location: '/file.bin' }), 11],
    ['sends on to http://[b, which is no address', status(302, { Location: 'http://[b' }), 1],
    [
      'sends on to ftp://a.example/b, which is not followed',
      status(302, { Location: 'ftp://a.example/b' }),
      1,
    ],
  ])('is told: %s', async (reason, options, requests) => {
    const path = await target();
    const server = await fileServer(BYTES, options);
    const error = await downloadFile(from(server), path, {
      environment: {},
      signal: new AbortController().signal,
      onNote: () => undefined,
      onProgress: () => undefined,
      idleMs: 300,
      pauseMs: 1,
    }).catch((thrown) => thrown);
    const message = `Expected file.bin from one of these places, found none that gives it:
  ${server.url}
    ${reason}`;
    expect(error).toMatchObject({ code: 'DOWNLOAD_FAILED', message });
    expect(server.asked).toHaveLength(requests);
    expect(existsSync(path)).toBe(false);
  });

  it('is left when it sends more than the file has', async () => {
    const path = await target();
    let sent = 0;
    const endless = new Readable({
      read() {
        sent += 65_536;
        this.push(Buffer.alloc(65_536, 'a'));
      },
    });
    const server = await fileServer(
      BYTES,
      say((_, response) => endless.pipe(response)),
    );
    await expect(download(from(server), path)).rejects.toThrow(
      /\n {4}\d+ bytes that begin with "aaaaaaaaaaaaaaaa" instead of 300000$/,
    );
    expect(sent).toBeLessThan(100 * BYTES.length);
    expect(readdirSync(dirname(path))).toEqual([]);
  });

  it('is followed by the next, and all are told if none gives it', async () => {
    const path = await target();
    const absent = await fileServer(BYTES, status(404));
    const urls = [absent.url, 'http://127.0.0.1:1/file.bin', 'http://host.invalid/file.bin'];
    const server = await fileServer(BYTES);
    expect(await download({ ...OFFICIAL, urls: [...urls, server.url] }, path)).toEqual([
      `${urls[0]}: HTTP 404; trying the next place`,
      `${urls[1]}: connection refused; trying the next place`,
      expect.stringMatching(/^http:\/\/host.invalid\/file.bin: host not found.*; trying the next place$/),
    ]);
    await expect(download({ ...OFFICIAL, urls: urls.slice(0, 2) }, path)).rejects.toThrow(
      `  ${urls[0]}\n    HTTP 404\n  ${urls[1]}\n    connection refused`,
    );
  });
});

it.skipIf(!MAY_MOUNT)(`a full disk is told, and keeps what came${NEEDS_MOUNT}`, async () => {
  const disk = smallDisk(128);
  const path = join(disk, 'file.bin');
  const server = await fileServer(BYTES);
  await expect(download(from(server), path)).rejects.toMatchObject({ code: 'DISK_FULL' });
  expect(server.asked).toEqual(['all']);
});
