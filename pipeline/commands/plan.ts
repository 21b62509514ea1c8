/** `pipeline plan`: what a run would do with each artifact, and why; changes nothing. */
import { COLUMNS, fold } from '../fold-text.ts';
import { type Prepared, planLines, prepare, type RunArguments } from '../prepare.ts';
import type { World } from '../world.ts';

export async function planCommand(args: RunArguments, world: World): Promise<void> {
  const prepared = await prepare(args, world);
  const text = args.json
    ? JSON.stringify({ experiment: prepared.experiment.name, nodes: planLines(prepared.plan) }, null, 2)
    : table(prepared);
  world.stdout.write(`${text}\n`);
}

const ACTION_COLUMNS = 8;

function table({ experiment, plan }: Prepared): string {
  const lines = planLines(plan).flatMap(({ name, action, reason }) => [
    `${action.padEnd(ACTION_COLUMNS)}${name}`,
    ...fold(reason, COLUMNS - ACTION_COLUMNS).map((line) => ' '.repeat(ACTION_COLUMNS) + line),
  ]);
  const title = `${experiment.name}: ${experiment.variants.length} variants, ${plan.length} artifacts`;
  return [title, ...lines].join('\n');
}
