/** Files that are there and yet cannot be read: put into words, as the one who reads them is to do something about it. */
import { PipelineError } from '../schemas/errors.ts';

/** What the system says of a file that it does not give out, completing "found that …"; null where it says something else. */
export function whyUnreadable(error: unknown): string | null {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === 'EACCES' || code === 'EPERM') return `permission to read it is denied (${code})`;
  return code === 'EIO' ? 'the disk cannot read it (EIO)' : null;
}

/** An error of reading `path`, for the user; any other is returned as it is. */
export function translateReadError(error: unknown, path: string): unknown {
  const found = whyUnreadable(error);
  if (found === null) return error;
  const message = `Expected to be able to read ${path}, found that ${found}. Make it readable for this user, or look at the disk, then run the same command again.`;
  return new PipelineError('NOT_READABLE', message, { cause: error });
}
