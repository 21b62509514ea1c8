/** Lets a stage hold what it computes in reduced precision against float32, which takes another process. */
import { askProgram } from './ask-program.ts';
import type { Float32Question } from './float32-program.ts';

/**
 * @param module URL of a module that exports `answer`, an asynchronous function of the question
 * @returns what it answers, which must fit into a line of JSON
 * @throws what `answer` throws, and what {@link askProgram} throws
 */
export function askInFloat32<Answer>(module: URL, question: object): Promise<Answer> {
  const asked: Float32Question = { module: module.href, question };
  return askProgram(new URL('./float32-program.ts', import.meta.url), asked);
}
