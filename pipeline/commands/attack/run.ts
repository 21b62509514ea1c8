/** `pipeline attack`: attacks a model from a folder, without an experiment file, and shows the figures. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { attackSummarySchema } from '../../../schemas/attack-results.ts';
import { summaryLines } from '../../../stages/numerics/analyses/attack-tables/summary-lines.ts';
import { readManifest } from '../../../store/artifacts.ts';
import { carryOut } from '../../carry-out.ts';
import { option } from '../../show-command.ts';
import type { World } from '../../world.ts';
import type { AttackArguments } from './arguments.ts';
import { attackJob } from './experiment.ts';

/** Files of the artifact that a person is led to. */
const RESULTS = ['attack.json', 'images.parquet', 'row.md', 'row.tex'];

/** Runs to the end, or rejects with the error to show; `INTERRUPTED` says how to go on. */
export async function attackCommand(args: AttackArguments, world: World): Promise<void> {
  await carryOut(
    {
      job: () => attackJob(args, world),
      again: wordsOf(args),
      result: async (_, [attacked]) => {
        const { directory } = attacked!;
        const text = await readFile(join(directory, 'attack.json'), 'utf8');
        const figures = attackSummarySchema.parse(JSON.parse(text));
        const names = (await readManifest(directory))?.files.map(({ name }) => name) ?? [];
        const files = RESULTS.filter((name) => names.includes(name)).map((name) => join(directory, name));
        return { summary: summaryLines(figures).join('\n'), report: null, files, figures };
      },
    },
    args,
    world,
  );
}

/** Options in the order in which the help lists them; those that say nothing new are left out. */
function wordsOf(args: AttackArguments): string[] {
  const flag = (name: 'targeted' | 'minimal') => (args[name] ? [`--${name}`] : []);
  const unless = (name: 'seed' | 'keep' | 'runs', usual: string | number) =>
    option(name, args[name] === usual ? undefined : args[name]);
  return [
    'attack',
    ...option('model', args.model),
    ...option('data', args.data),
    ...option('norm', args.norm),
    ...option('eps', args.eps),
    ...option('attack', args.attack),
    ...(['n', 'steps', 'restarts', 'queries'] as const).flatMap((name) => option(name, args[name])),
    ...flag('targeted'),
    ...flag('minimal'),
    ...option('from', args.from),
    ...option('noise', args.noise),
    ...unless('seed', 0),
    ...unless('keep', 'none'),
    ...args.set.flatMap((setting) => option('set', setting)),
    ...option('data-folder', args['data-folder']),
    ...unless('runs', './runs'),
    ...option('jobs', args.jobs),
  ];
}
