/** Artifacts of all variants -> the data of the report. All reading of files happens here. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttackSummary } from '../../schemas/attack-results.ts';
import { PipelineError } from '../../schemas/errors.ts';
import type { Analysis, EpochMetrics } from '../../schemas/results.ts';
import { type InputArtifact, STAGE_NAMES, type StageContext, type StageName } from '../../schemas/stage.ts';
import { readDatasetInfo } from '../../store/dataset-artifact.ts';
import { readPrecisionCost } from '../../store/shards/precision-cost.ts';
import { readStoreInfo } from '../../store/shards/store-layout.ts';
import { readSummary } from '../../store/shards/store-summary.ts';
import { readTable } from '../../store/tables.ts';
import { readTensors } from '../../store/tensor-file.ts';
import { withSettings } from './attack-figures.ts';
import { readScore } from './gather-score.ts';
import { shortNames } from './names.ts';
import type { Pictures, Plane, ReportData, TargetStore, Values, VariantData } from './report-data.ts';

type Context = Pick<StageContext, 'inputs' | 'variants'>;

/** Reads what the variants' stages have left behind. Throws `ARTIFACT_DAMAGED` where a file is not what it should be. */
export async function gather(context: Context): Promise<ReportData> {
  const variants: VariantData[] = [];
  const short = shortNames(context.variants.map(({ label }) => label));
  for (const [i, variant] of context.variants.entries()) {
    variants.push({ ...(await gatherVariant(context, variant)), short: short[i]! });
  }
  const [first] = variants as [VariantData];
  return { title: first.config.report.title || `Classifiers of ${first.dataset.name}`, variants };
}

async function gatherVariant(
  { inputs }: Context,
  { label, config }: Context['variants'][number],
): Promise<Omit<VariantData, 'short'>> {
  const own = STAGE_NAMES.flatMap((stage) =>
    inputs.filter((input) => input.stage === stage && input.variant === label),
  );
  const need = (stage: StageName) => directoryOf(own, stage, label);
  const attack = await readJson<AttackSummary>(need('attack'), 'attack.json');
  const analysis = await readJson<Analysis>(need('analyze'), 'analysis.json');
  const arrays = await readArrays(need('analyze'));
  const score = own.find(({ stage }) => stage === 'score');
  const precompute = own.find(({ stage }) => stage === 'precompute');
  return {
    label,
    config,
    dataset: await readDatasetInfo(need('dataset')),
    keys: own.map(({ stage, key }) => ({ stage, key })),
    attack: { ...attack, attacks: withSettings(attack.attacks, config.attack.attacks, need('attack')) },
    epochs: (await readTable(join(need('train'), 'metrics.parquet'))) as unknown as EpochMetrics[],
    score: score !== undefined && config.score.kind !== 'analytic' ? await readScore(score.directory) : null,
    targets: precompute === undefined ? null : await readTargetStore(precompute.directory),
    analysis,
    pictures: analysis.pictures === null ? null : picturesOf(arrays),
    plane: analysis.plane === null ? null : planeOf(arrays),
  };
}

function directoryOf(inputs: InputArtifact[], stage: StageName, label: string): string {
  const found = inputs.find((input) => input.stage === stage);
  if (found === undefined) throw new Error(`the graph gave no ${stage} artifact of the variant ${label}`);
  return found.directory;
}

async function readJson<T>(directory: string, name: string): Promise<T> {
  const path = join(directory, name);
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (!isMissing && !(error instanceof SyntaxError)) throw error;
    throw damaged(
      directory,
      name,
      `JSON in ${path}`,
      isMissing ? 'no such file' : 'text that is not JSON',
      error,
    );
  }
}

function damaged(
  directory: string,
  file: string,
  expected: string,
  found: string,
  cause?: unknown,
): PipelineError {
  const message = `Expected ${expected}, found ${found}. Remove the folder ${directory} and run the same command again; it is then made anew.`;
  return new PipelineError('ARTIFACT_DAMAGED', message, {
    place: { artifact: directory, files: [file] },
    cause,
  });
}

/** What the store holds, how it was made, and what its codec lost over all shards. */
async function readTargetStore(directory: string): Promise<TargetStore> {
  const { codec, description, images, targets, classes, targetClasses } = await readStoreInfo(directory);
  const { bytes, meanCosineLoss, worstCosineLoss } = await readSummary(directory);
  const isListed = targetClasses === 'listed';
  const held = { codec, description, images, targets, classes, isListed };
  const precisionCost = await readPrecisionCost(directory);
  return { ...held, bytes, meanCosineLoss, worstCosineLoss, precisionCost };
}

/** Arrays by name; `need` throws where one is missing. */
interface Arrays {
  need(name: string): Values;
  find(name: string): Values | null;
}

async function readArrays(directory: string): Promise<Arrays> {
  const file = 'arrays.safetensors';
  const { tensors } = await readTensors(join(directory, file));
  const find = (name: string): Values | null => {
    const tensor = tensors[name];
    return tensor === undefined ? null : { shape: tensor.shape, data: Float32Array.from(tensor.data) };
  };
  const need = (name: string): Values => {
    const found = find(name);
    if (found !== null) return found;
    throw damaged(
      directory,
      file,
      `an array \`${name}\` in ${join(directory, file)}`,
      Object.keys(tensors).sort().join(', ') || 'none',
    );
  };
  return { find, need };
}

function picturesOf({ find, need }: Arrays): Pictures {
  return {
    images: need('images'),
    targets: find('targets'),
    gradients: need('gradients'),
    attacked: need('attacked'),
  };
}

function planeOf({ find, need }: Arrays): Plane {
  return {
    points: need('points'),
    pointLabels: need('pointLabels'),
    boundary: need('boundary'),
    arrowsFrom: find('arrowsFrom'),
    arrows: find('arrows'),
  };
}
