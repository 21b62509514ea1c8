/** What a server says about a file, and why it does not give it, in the words of the user. */
import type { IncomingMessage } from 'node:http';
import { PipelineError } from '../../schemas/errors.ts';
import { translateDiskError } from '../../store/atomic-file.ts';
import type { PartialFile } from './partial-file.ts';
import type { RemoteFile } from './remote-file.ts';

/** Why one place did not give the file, in a few words. `isFinal`: asking again is of no use. */
export class Refusal extends Error {
  readonly isFinal: boolean;

  constructor(reason: string, isFinal: boolean) {
    super(reason);
    this.isFinal = isFinal;
  }
}

/** Headers that ask for what is not there yet, if the file is still the same one. */
export function rangeOf({ bytes, origin }: PartialFile, url: string): Record<string, string> {
  if (bytes === 0) return {};
  const validator = origin?.url === url ? origin.validator : null;
  return { Range: `bytes=${bytes}-`, ...(validator === null ? {} : { 'If-Range': validator }) };
}

/** The name of this version of a file: its ETag, else its date. If-Range takes no weak ETag. */
export function validatorOf({ headers }: IncomingMessage): string | null {
  const isStrong = headers.etag !== undefined && !headers.etag.startsWith('W/');
  return (isStrong ? headers.etag : headers['last-modified']) ?? null;
}

/** Whether nothing but the end of the connection tells where the body ends. */
export function hasOpenEnd({ headers }: IncomingMessage): boolean {
  return headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
}

/** The `rest` from `offset` on, `all`, or `none` where the server has nothing from `offset` on; throws otherwise. */
export function readHead(
  { statusCode = 0, headers }: IncomingMessage,
  offset: number,
  file: RemoteFile,
): { kind: 'rest' | 'all' | 'none'; total: number | null } {
  if (statusCode === 416 && offset > 0) return { kind: 'none', total: null };
  if (statusCode === 206) {
    const [, first, size] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
    const isAsked = first !== undefined && Number(first) === offset;
    if (!isAsked) throw new Refusal('answers with another part than the one asked for', true);
    return { kind: 'rest', total: checkTotal(size === '*' ? undefined : size, file) };
  }
  if (statusCode !== 200) throw new Refusal(`HTTP ${statusCode}`, statusCode < 500 && statusCode !== 429);
  return { kind: 'all', total: checkTotal(headers['content-length'], file) };
}

function checkTotal(text: string | undefined, { bytes }: RemoteFile): number | null {
  const total = text === undefined ? null : Number(text);
  if (total === null || bytes === undefined || total === bytes) return total ?? bytes ?? null;
  throw new Refusal(`the file there has ${total} bytes instead of ${bytes}`, true);
}

/** Reasons that asking again does not change. */
const FINAL: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'host not found (no answer from the name server)',
  EACCES: 'connection not permitted',
  EPERM: 'connection not permitted',
  ENETUNREACH: 'network unreachable',
  EHOSTUNREACH: 'host unreachable',
};
const CUT = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'];

/** The error as a refusal of the place; throws it again where the disk or the user is to blame. */
export function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const { code = '', syscall, message } = error as NodeJS.ErrnoException;
  const isOfDisk = syscall !== 'connect' && translateDiskError(error, '') !== error;
  if (error instanceof PipelineError || isOfDisk) throw error;
  if (FINAL[code] !== undefined) return new Refusal(FINAL[code], true);
  if (CUT.includes(code)) return new Refusal('the connection was cut', false);
  const isOfCertificate = /CERT|ALTNAME|SSL/.test(code);
  return new Refusal(message.replace(/\s+/g, ' ') || code, isOfCertificate);
}
