/** Asks the engine who it is, without loading it here. */
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type ErrorRecord, fromErrorRecord, PipelineError } from '../../schemas/errors.ts';
import { run, tellingLine } from '../setup/programs.mjs';
import type { EngineInfo } from './register.ts';

/** What {@link file://./probe.ts} prints. */
type ProbeAnswer = { info: EngineInfo } | { error: ErrorRecord };

/**
 * @param env environment of the child process
 * @throws PipelineError `ENGINE_MISSING` or `ENGINE_WRONG`, also where the engine crashes while it is loaded
 */
export async function probeEngine(env: NodeJS.ProcessEnv = process.env): Promise<EngineInfo> {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const probe = fileURLToPath(new URL('./probe.ts', import.meta.url));
  const { code, output } = await run(process.execPath, ['--import', tsx, probe], { env });
  const answer = findAnswer(output);
  if (answer === null) {
    throw new PipelineError(
      'ENGINE_WRONG',
      `Expected TensorFlow to load, its process ended with code ${code} (${tellingLine(output)}): delete node_modules/@tensorflow/tfjs-node-gpu/deps and run \`npm start\`, which installs it anew.`,
    );
  }
  if ('error' in answer) throw fromErrorRecord(answer.error);
  return answer.info;
}

function findAnswer(output: string): ProbeAnswer | null {
  const start = output.search(/\{"(info|error)":/);
  if (start === -1) return null;
  const line = output.slice(start).split('\n')[0] ?? '';
  try {
    return JSON.parse(line) as ProbeAnswer;
  } catch {
    return null;
  }
}
