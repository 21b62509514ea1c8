/**
 * Every error that a user can meet has a stable code and one sentence that says what was expected, what was
 * found, where, and what to do. Anything else that is thrown is a fault of the program and keeps its stack.
 */

/** The kinds of failure a user can meet; stable, so that scripts may test for them. */
export type ErrorCode =
  | 'CONFIG_INVALID'
  | 'USAGE'
  | 'DATA_MISSING'
  | 'DATA_DAMAGED'
  | 'DOWNLOAD_FAILED'
  | 'DISK_FULL'
  | 'NOT_WRITABLE'
  | 'NOT_READABLE'
  | 'NOT_FOUND'
  | 'ENGINE_MISSING'
  | 'ENGINE_WRONG'
  | 'SETUP_FAILED'
  | 'ARTIFACT_DAMAGED'
  | 'ARTIFACT_LOCKED'
  | 'VERSION_NEWER'
  | 'VERSION_OLDER'
  | 'SHAPE_MISMATCH'
  | 'NOT_FINITE'
  | 'WORKER_DIED'
  | 'INTERRUPTED';

/** Where in the pipeline an error arose; the fields that are known are filled in on the way up. */
export interface ErrorPlace {
  /** Stage that was running, e.g. `train`. */
  stage?: string;
  /** Directory of the artifact concerned. */
  artifact?: string;
  /** File names, relative to the artifact, that are damaged or missing. */
  files?: string[];
}

/** An error whose message is written for the user. */
export class PipelineError extends Error {
  readonly code: ErrorCode;
  readonly place: ErrorPlace;

  /**
   * @param code stable code
   * @param message what was expected, what was found, where, and what to do
   * @param options `place` as far as known, and the `cause`
   */
  constructor(code: ErrorCode, message: string, options: { place?: ErrorPlace; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PipelineError';
    this.code = code;
    this.place = options.place ?? {};
  }
}

/** The form in which an error crosses from a worker process to its parent. */
export interface ErrorRecord {
  code: ErrorCode | null;
  message: string;
  stack: string;
  place: ErrorPlace;
}

/** Flattens any thrown value for the way to another process. */
export function toErrorRecord(error: unknown): ErrorRecord {
  if (error instanceof PipelineError) {
    return { code: error.code, message: error.message, stack: error.stack ?? '', place: error.place };
  }
  const plain = error instanceof Error ? error : new Error(String(error));
  return { code: null, message: plain.message, stack: plain.stack ?? '', place: {} };
}

/** The inverse of {@link toErrorRecord}. */
export function fromErrorRecord(record: ErrorRecord): Error {
  const error =
    record.code === null
      ? new Error(record.message)
      : new PipelineError(record.code, record.message, { place: record.place });
  error.stack = record.stack;
  return error;
}
