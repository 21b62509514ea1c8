/** `pipeline plan`: what a run would do with each artifact, and why; changes nothing. */
import { type Prepared, planLines, prepare, type RunArguments } from '../prepare.ts';
import type { World } from '../world.ts';

export async function planCommand(args: RunArguments, world: World): Promise<void> {
  const prepared = await prepare(args, world);
  const text = args.json
    ? JSON.stringify({ experiment: prepared.experiment.name, nodes: planLines(prepared.plan) }, null, 2)
    : table(prepared);
  world.stdout.write(`${text}\n`);
}

function table({ experiment, plan }: Prepared): string {
  const rows = planLines(plan).map(({ id, name, action, reason }) => [action, name, id, reason]);
  const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [
    `${experiment.name}: ${experiment.variants.length} variants, ${plan.length} artifacts`,
    ...lines,
  ].join('\n');
}
