/** What an action throws, for tests that compare a whole message. */
import { expect } from 'vitest';
import type { ErrorCode } from '../../../schemas/errors.ts';
import { PipelineError } from '../../../schemas/errors.ts';

/** The PipelineError that the promise ends in; the test fails where it ends otherwise. */
export async function thrownBy(promise: Promise<unknown>): Promise<{ code: ErrorCode; message: string }> {
  const error = await promise.then(
    () => new Error('expected an error, but nothing was thrown'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof PipelineError)) throw error;
  expect(error.stack).toContain('PipelineError');
  return { code: error.code, message: error.message };
}
