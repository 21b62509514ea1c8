/**
 * Runs a program of ours that loads the engine, in a process of its own: the lines TensorFlow writes while it loads stay
 * off the terminal, and a library that crashes takes nothing with it. It answers with one line of JSON.
 */
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type ErrorRecord, fromErrorRecord, PipelineError, toErrorRecord } from '../../schemas/errors.ts';
import { run, tellingLine } from '../setup/programs.mjs';

/** What such a program prints. */
type Reply<Answer> = { answer: Answer } | { error: ErrorRecord };

/**
 * @param program URL of the file
 * @param question given to it as JSON
 * @param env environment of the child process
 * @throws PipelineError the program's own, and `ENGINE_WRONG` where it ends without an answer
 */
export async function askProgram<Answer>(
  program: URL,
  question: object,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Answer> {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const words = ['--import', tsx, fileURLToPath(program), JSON.stringify(question)];
  const { code, output } = await run(process.execPath, words, { env });
  const reply = findReply<Answer>(output);
  if (reply === null) {
    throw new PipelineError(
      'ENGINE_WRONG',
      `Expected TensorFlow to load, its process ended with code ${code} (${tellingLine(output)}): delete node_modules/@tensorflow/tfjs-node-gpu/deps and run \`npm start\`, which installs it anew.`,
    );
  }
  if ('error' in reply) throw fromErrorRecord(reply.error);
  return reply.answer;
}

/** The other side of {@link askProgram}: answers the question, or says what is wrong. */
export async function answerProgram<Question>(
  answer: (question: Question) => Promise<object>,
): Promise<void> {
  try {
    const question = JSON.parse(process.argv[2]!) as Question;
    process.stdout.write(`\n${JSON.stringify({ answer: await answer(question) })}\n`);
  } catch (error) {
    process.stdout.write(`\n${JSON.stringify({ error: toErrorRecord(error) })}\n`);
  }
}

function findReply<Answer>(output: string): Reply<Answer> | null {
  const line = output.split('\n').find((text) => /^\{"(answer|error)":/.test(text));
  if (line === undefined) return null;
  try {
    return JSON.parse(line) as Reply<Answer>;
  } catch {
    return null;
  }
}
