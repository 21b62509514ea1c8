/** What the system says when a file cannot be read, in the words of the user. */
import { PipelineError } from '../schemas/errors.ts';

const REASONS: Record<string, string> = {
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EIO: 'the disk fails',
  ELOOP: 'it is a link that leads back to itself',
  ENOTDIR: 'a file stands where a folder should be',
};

/** `NOT_READABLE` for such an error that names a file; anything else is returned as it is. */
export function translateReadError(error: unknown): unknown {
  const { code = '', path } = (error ?? {}) as NodeJS.ErrnoException;
  const reason = REASONS[code];
  if (reason === undefined || path === undefined) return error;
  const message = `Expected access to ${path}, found that ${reason} (${code}). Put that right, then run the same command again.`;
  return new PipelineError('NOT_READABLE', message, { cause: error });
}
