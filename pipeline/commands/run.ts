/** `pipeline run [stage]`: makes what is missing, and tells where the results are. */
import { carryOut, type Errand } from '../carry-out.ts';
import { type RunArguments, readJob } from '../prepare.ts';
import { publishReport } from '../results.ts';
import { runWords } from '../show-command.ts';
import type { World } from '../world.ts';

/** Runs to the end, or rejects with the error to show; `INTERRUPTED` says how to go on. */
export async function runCommand(args: RunArguments, world: World): Promise<void> {
  const errand: Errand = {
    job: () => readJob(args, world),
    again: runWords(args),
    result: async ({ experiment, stages, graph }, directories) => {
      const { stage } = graph.targets[0]!;
      const gathersAll = stages.find(({ name }) => name === stage)?.scope === 'experiment';
      if (!gathersAll) return { summary: '', report: null };
      return publishReport(args.runs, experiment, directories[0]!.directory);
    },
  };
  await carryOut(errand, args, world);
}
