/** `pipeline model sample`: a sheet of what a score model draws. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { PipelineError } from '../../../schemas/errors.ts';
import type { SamplerName } from '../../../schemas/score-config.ts';
import { askProgram } from '../../engine/ask-program.ts';
import type { World } from '../../world.ts';
import type { SheetAnswer, SheetQuestion } from './draw-sheet.ts';

export interface SampleArguments {
  source?: string | undefined;
  file?: string | undefined;
  only?: string | undefined;
  guidance: number;
  steps: number;
  sampler: string;
  churn: number;
  'per-class': number;
  seed: number;
}

export async function sampleCommand(args: SampleArguments, world: World): Promise<void> {
  const { source, file, guidance, steps, churn, seed } = args;
  if (source === undefined || file === undefined) {
    throw usage('Expected a score model and a file (pipeline model sample FOLDER OUT.png).');
  }
  if (existsSync(file))
    throw usage(`Expected to write a new file ${file}, found one there already; name another.`);
  const perClass = args['per-class'];
  const numbers = { guidance, steps, churn, 'per-class': perClass, seed };
  for (const [name, value] of Object.entries(numbers)) refuseNumber(name, value);
  if (churn > 0 && args.sampler !== 'heun') {
    throw usage(`Expected --churn with the sampler heun alone, got it with ${args.sampler}.`);
  }
  const program = new URL('./draw-sheet.ts', import.meta.url);
  const question: SheetQuestion = {
    source,
    file: resolve(file),
    only: args.only ?? null,
    sampler: args.sampler as SamplerName,
    steps,
    guidance,
    seed,
    perClass,
    churn,
  };
  const { rows } = await askProgram<SheetAnswer>(program, question, world.environment);
  world.stdout.write(`Wrote ${file}: ${perClass} samples in each row; rows: ${rows.join(', ')}.\n`);
}

/** Whole numbers but for guidance and churn; steps and rows cannot be 0. */
function refuseNumber(name: string, value: number): void {
  const isWhole = name !== 'guidance' && name !== 'churn';
  const least = name === 'steps' || name === 'per-class' ? 1 : 0;
  if (Number.isFinite(value) && value >= least && (!isWhole || Number.isInteger(value))) return;
  throw usage(`Expected --${name} to be a ${isWhole ? 'whole ' : ''}number >= ${least}, got ${value}.`);
}

function usage(sentence: string): PipelineError {
  return new PipelineError('USAGE', `${sentence} \`pipeline model sample --help\` explains the options.`);
}
