/** `pipeline model sample`: a sheet of what a score model draws. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { PipelineError } from '../../../schemas/errors.ts';
import type { SamplerName } from '../../../schemas/score-config.ts';
import { sampleSheet } from '../../../stages/numerics/diffusion/sample-sheet.ts';
import { loadScoreModel } from '../../../stages/numerics/diffusion/score-model.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { makeDirectory, writeFileAtomic } from '../../../store/atomic-file.ts';
import { registerEngine } from '../../engine/register.ts';
import type { World } from '../../world.ts';

/** Rows of a sheet where no classes are named. */
const MOST_CLASSES = 10;

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
  await registerEngine();
  registerGradients();
  const model = await loadScoreModel(source);
  const { shape, classNames } = model.description;
  if (shape.length !== 3 || ![1, 3].includes(shape[2]!)) {
    throw new PipelineError(
      'SHAPE_MISMATCH',
      `Expected a score model of images with 1 or 3 channels in ${source}, found one of inputs [${shape}], which cannot be drawn; choose another model.`,
    );
  }
  const classes = chosenClasses(args.only, classNames);
  const png = await sampleSheet(model, shape, classNames, {
    sampler: args.sampler as SamplerName,
    steps,
    guidance,
    seed,
    perClass,
    classes,
    // S_min, S_max and S_noise as Karras et al. 2022 chose them for ImageNet-64 (table 5).
    churn: { amount: churn, least: 0.05, largest: 50, noise: 1.003 },
  });
  await makeDirectory(dirname(resolve(file)));
  await writeFileAtomic(file, png);
  const rows = classes.map((label) => classNames[label]!).join(', ');
  world.stdout.write(
    `Wrote ${file}: ${perClass} samples in each row; rows: ${rows}${rows && ', '}no class.\n`,
  );
}

/** Whole numbers but for guidance and churn; steps and rows cannot be 0. */
function refuseNumber(name: string, value: number): void {
  const isWhole = name !== 'guidance' && name !== 'churn';
  const least = name === 'steps' || name === 'per-class' ? 1 : 0;
  if (Number.isFinite(value) && value >= least && (!isWhole || Number.isInteger(value))) return;
  throw usage(`Expected --${name} to be a ${isWhole ? 'whole ' : ''}number >= ${least}, got ${value}.`);
}

/** Indices of the classes that are named, or of the first ones. */
function chosenClasses(only: string | undefined, classNames: readonly string[]): number[] {
  if (only === undefined) return [...classNames.keys()].slice(0, MOST_CLASSES);
  return only.split(',').map((text) => {
    const name = text.trim();
    const index = classNames.indexOf(name);
    if (index >= 0) return index;
    const names = classNames.length > 20 ? `${classNames.slice(0, 20).join(', ')}, …` : classNames.join(', ');
    throw usage(`Expected --only to name classes of the model (${names}), got ${name}.`);
  });
}

function usage(sentence: string): PipelineError {
  return new PipelineError('USAGE', `${sentence} \`pipeline model sample --help\` explains the options.`);
}
