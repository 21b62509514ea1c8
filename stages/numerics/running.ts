/** Small services that every running stage needs. */
import { PipelineError } from '../../schemas/errors.ts';
import type { InputArtifact, StageContext, StageName } from '../../schemas/stage.ts';

/** The one input of a stage; the graph has made sure that it is there. */
export function inputOf(context: Pick<StageContext, 'inputs'>, stage: StageName): InputArtifact {
  const found = context.inputs.find((input) => input.stage === stage);
  if (found === undefined) throw new Error(`the graph gave no ${stage} artifact`);
  return found;
}

/** Lets messages to and from the parent process through; tensor work itself never yields. */
export function yieldToEvents(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Throws `INTERRUPTED` once the user has asked to stop. */
export function stopIfAsked({ signal }: Pick<StageContext, 'signal'>): void {
  if (signal.aborted)
    throw new PipelineError('INTERRUPTED', 'Stopped on request; what was finished is kept.');
}
