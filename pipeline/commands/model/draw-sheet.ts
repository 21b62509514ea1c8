/** Program of `pipeline model sample`: loads a score model, draws a sheet of samples and writes it. */
import { dirname } from 'node:path';
import { PipelineError } from '../../../schemas/errors.ts';
import type { SamplerName } from '../../../schemas/score-config.ts';
import { sampleSheet } from '../../../stages/numerics/diffusion/sample-sheet.ts';
import { loadScoreModel } from '../../../stages/numerics/diffusion/score-model.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { makeDirectory, writeFileAtomic } from '../../../store/atomic-file.ts';
import { answerProgram } from '../../engine/ask-program.ts';
import { registerEngine } from '../../engine/register.ts';

export interface SheetQuestion {
  /** Folder of the model. */
  source: string;
  /** PNG file to write. */
  file: string;
  /** Names of classes with commas between them; null for the first ones. */
  only: string | null;
  sampler: SamplerName;
  steps: number;
  guidance: number;
  seed: number;
  perClass: number;
  churn: number;
}

export interface SheetAnswer {
  /** What each row shows. */
  rows: string[];
}

/** Rows of a sheet where no classes are named. */
const MOST_CLASSES = 10;
/** S_min, S_max and S_noise as Karras et al. 2022 chose them for ImageNet-64 (table 5). */
const CHURN = { least: 0.05, largest: 50, noise: 1.003 };

await answerProgram(drawSheet);

async function drawSheet({ source, file, only, churn, ...settings }: SheetQuestion): Promise<SheetAnswer> {
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
  const classes = chosenClasses(only, classNames);
  const png = await sampleSheet(model, shape, classNames, {
    ...settings,
    classes,
    churn: { amount: churn, ...CHURN },
  });
  await makeDirectory(dirname(file));
  await writeFileAtomic(file, png);
  return { rows: [...classes.map((label) => classNames[label]!), 'no class'] };
}

/** Indices of the classes that are named, or of the first ones. */
function chosenClasses(only: string | null, classNames: readonly string[]): number[] {
  if (only === null) return [...classNames.keys()].slice(0, MOST_CLASSES);
  return only.split(',').map((text) => {
    const name = text.trim();
    const index = classNames.indexOf(name);
    if (index >= 0) return index;
    const names = classNames.length > 20 ? `${classNames.slice(0, 20).join(', ')}, …` : classNames.join(', ');
    throw new PipelineError(
      'USAGE',
      `Expected --only to name classes of the model (${names}), got ${name}. \`pipeline model sample --help\` explains the options.`,
    );
  });
}
