/** Files that are there and yet cannot be read: put into words, as the one who reads them is to do something about it. */
import { PipelineError } from '../schemas/errors.ts';

const REASONS: Record<string, string> = {
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EIO: 'the disk fails',
  ELOOP: 'it is a link that leads back to itself',
  ENOTDIR: 'a file stands where a folder should be',
};

/** What the system says of a file that it does not give out, completing "found that …"; null where it says something else. */
export function whyUnreadable(error: unknown): string | null {
  const { code = '' } = (error ?? {}) as NodeJS.ErrnoException;
  const reason = REASONS[code];
  return reason === undefined ? null : `${reason} (${code})`;
}

/**
 * `NOT_READABLE` for such an error; anything else is returned as it is.
 *
 * @param path of the file; left as it is, too, where neither this nor the error names one
 */
export function translateReadError(
  error: unknown,
  path = (error as NodeJS.ErrnoException | null)?.path,
): unknown {
  const found = whyUnreadable(error);
  if (found === null || path === undefined) return error;
  const message = `Expected access to ${path}, found that ${found}. Put that right, then run the same command again.`;
  return new PipelineError('NOT_READABLE', message, { cause: error });
}
