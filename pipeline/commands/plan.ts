/** `pipeline plan`: what a run would do with each artifact, and why; changes nothing. */
import type { PlanLine } from '../events.ts';
import { COLUMNS, fold } from '../fold-text.ts';
import { type Prepared, planLines, prepare, type RunArguments } from '../prepare.ts';
import { targetSizes } from '../target-size.ts';
import type { World } from '../world.ts';

export async function planCommand(args: RunArguments, world: World): Promise<void> {
  const prepared = await prepare(args, world);
  const sizes = await targetSizes(prepared.plan, args.runs);
  const lines = planLines(prepared.plan).map((line) => ({ ...line, size: sizes.get(line.id) }));
  const text = args.json
    ? JSON.stringify({ experiment: prepared.experiment.name, nodes: lines }, null, 2)
    : table(prepared, lines);
  world.stdout.write(`${text}\n`);
}

const ACTION_COLUMNS = 8;

function table({ experiment }: Prepared, lines: (PlanLine & { size: string | undefined })[]): string {
  const rows = lines.flatMap(({ name, action, reason, size }) => [
    `${action.padEnd(ACTION_COLUMNS)}${name}`,
    ...fold([reason, size].filter(Boolean).join('; '), COLUMNS - ACTION_COLUMNS).map(
      (line) => ' '.repeat(ACTION_COLUMNS) + line,
    ),
  ]);
  const title = `${experiment.name}: ${experiment.variants.length} variants, ${lines.length} artifacts`;
  return [title, ...rows].join('\n');
}
