/** Asks the engine who it is, without loading it here. */
import { askProgram } from './ask-program.ts';
import type { EngineInfo } from './register.ts';

/**
 * @param env environment of the child process
 * @throws PipelineError `ENGINE_MISSING` or `ENGINE_WRONG`, also where the engine crashes while it is loaded
 */
export function probeEngine(env: NodeJS.ProcessEnv = process.env): Promise<EngineInfo> {
  return askProgram(new URL('./probe.ts', import.meta.url), {}, env);
}
