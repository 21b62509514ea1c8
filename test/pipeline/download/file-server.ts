/** A web server with one file and many faults, for the tests of downloads. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** So long a busy machine may need until what was sent is written down. */
const CUT_MS = 150;

export interface ServedFile {
  bytes: Buffer;
  /** Null for a server that names no version. */
  etag: string | null;
  /** Whether the server gives parts. */
  hasRanges: boolean;
  /** The connection is cut after so many bytes of an answer; one entry for each answer, then none is cut. */
  cuts: number[];
  /** Instead of the file. */
  answer?: (request: IncomingMessage, response: ServerResponse) => void;
}

export interface FileServer {
  url: string;
  file: ServedFile;
  /** `Range` of each request, or `all`. */
  asked: string[];
}

export async function fileServer(bytes: Buffer, options: Partial<ServedFile> = {}): Promise<FileServer> {
  const file: ServedFile = { bytes, etag: '"one"', hasRanges: true, cuts: [], ...options };
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers.range ?? 'all');
    if (file.answer) file.answer(request, response);
    else serve(file, request, response);
  });
  const port = await listen(server);
  return { url: `http://127.0.0.1:${port}/file.bin`, file, asked };
}

/** The port; the server ends with the test. */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function serve(file: ServedFile, request: IncomingMessage, response: ServerResponse): void {
  const { bytes, etag, hasRanges } = file;
  const first = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? -1);
  const condition = request.headers['if-range'];
  const isPart = hasRanges && first >= 0 && (condition === undefined || condition === etag);
  if (isPart && first >= bytes.length) {
    response.writeHead(416, { 'Content-Range': `bytes */${bytes.length}` }).end('no such part');
    return;
  }
  const body = isPart ? bytes.subarray(first) : bytes;
  const range = isPart ? { 'Content-Range': `bytes ${first}-${bytes.length - 1}/${bytes.length}` } : {};
  const version = etag === null ? {} : { ETag: etag };
  response.writeHead(isPart ? 206 : 200, { 'Content-Length': body.length, ...version, ...range });
  const cut = file.cuts.shift();
  if (cut === undefined) response.end(body);
  else response.write(body.subarray(0, cut), () => setTimeout(() => response.destroy(), CUT_MS));
}
