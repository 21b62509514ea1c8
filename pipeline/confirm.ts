/** Asks at the terminal. */
import { createInterface } from 'node:readline/promises';
import { PipelineError } from '../schemas/errors.ts';

/** @param whether what is asked, for the message where nobody can answer: `to remove these artifacts` */
export async function confirm(question: string, whether: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    const message = `Expected a terminal to ask whether ${whether}, found none; add --yes to do so without a question.`;
    throw new PipelineError('USAGE', message);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}
