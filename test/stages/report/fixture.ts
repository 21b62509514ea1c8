/** Writes artifacts such as the stages leave behind, with numbers that are known, into a folder. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { stepsOf } from '../../../schemas/attack-config.ts';
import {
  ATTACK_SUMMARY_VERSION,
  type AttackResult,
  type AttackSummary,
  type CertificateSummary,
  type Doubt,
} from '../../../schemas/attack-results.ts';
import { type ExperimentConfig, variantConfigSchema } from '../../../schemas/config.ts';
import type { DatasetInfo } from '../../../schemas/dataset.ts';
import { GRADIENT_STORE_VERSION } from '../../../schemas/gradient-store.ts';
import type { Analysis } from '../../../schemas/results.ts';
import { STAGE_NAMES, type StageContext, type StageName } from '../../../schemas/stage.ts';
import { namedSettings } from '../../../stages/attack/settings.ts';
import { wilson } from '../../../stages/numerics/analyses/wilson.ts';
import { reportStage } from '../../../stages/report/stage.ts';
import { writeFileAtomic } from '../../../store/atomic-file.ts';
import { emptyRaster, encodePng } from '../../../store/pictures/png.ts';
import { type TableColumn, writeTable } from '../../../store/tables.ts';
import { type Tensor, writeTensors } from '../../../store/tensor-file.ts';

/** One variant of a fixture: its settings, and the share of images that each attack leaves standing. */
export interface FixtureVariant {
  label: string;
  settings: Record<string, unknown>;
  cleanCorrect: number;
  /** In the order of the attacks and their ε. */
  robust: number[];
  doubts?: Doubt[];
  certificate?: CertificateSummary;
  /** Mean cosine that training reaches; none for vanilla. */
  cosine?: number;
  analysis: Analysis;
  arrays: Record<string, Tensor>;
}

export interface Fixture {
  info: DatasetInfo;
  n: number;
  variants: FixtureVariant[];
}

/** Writes all artifacts below `root`; the context has everything that `runReport` uses. */
export async function writeArtifacts(root: string, fixture: Fixture): Promise<StageContext> {
  const variants = fixture.variants.map(({ label, settings }) => ({
    label,
    config: configOf(fixture, settings),
  }));
  const inputs: StageContext['inputs'] = [];
  for (const [i, { label, config }] of variants.entries()) {
    for (const stage of STAGE_NAMES.filter((name) => reportStage.inputs(config).includes(name))) {
      const directory = join(root, `${stage}-${i}`);
      await mkdir(directory, { recursive: true });
      await WRITERS[stage]!(directory, fixture, fixture.variants[i]!, config);
      inputs.push({ stage, variant: label, key: keyFor(stage, i, config), directory });
    }
  }
  const directory = join(root, 'report');
  await mkdir(directory, { recursive: true });
  const { signal } = new AbortController();
  const silent = () => undefined;
  return {
    config: variants[0]!.config,
    variants,
    inputs,
    directory,
    dataDirectory: null,
    progress: silent,
    note: silent,
    signal,
  };
}

/** The data set is shared by all variants; the other stages' artifacts are each variant's own. */
function keyFor(stage: StageName, variant: number, config: ExperimentConfig): string {
  const shared = stage === 'dataset' || stage === 'score';
  const digits = `${STAGE_NAMES.indexOf(stage)}${shared ? 'f' : variant}${config.train.method === 'pag' ? 'a' : 'b'}`;
  return shared ? `${STAGE_NAMES.indexOf(stage)}fc0ffee01234567` : digits.padEnd(16, '0123456789abcdef');
}

function configOf({ info }: Fixture, settings: Record<string, unknown>): ExperimentConfig {
  const name = ['toy', 'usps', 'mnist', 'cifar10'].includes(info.name) ? info.name : 'folder';
  return variantConfigSchema.parse({ dataset: { name }, ...settings });
}

type Writer = (
  directory: string,
  fixture: Fixture,
  variant: FixtureVariant,
  config: ExperimentConfig,
) => Promise<void>;

const WRITERS: Partial<Record<StageName, Writer>> = {
  dataset: (directory, { info }) => writeJson(directory, 'dataset.json', info),
  score: async (directory, { info }) => {
    const steps = Array.from({ length: 50 }, (_, i) => 20 * (i + 1));
    await writeTable(join(directory, 'metrics.parquet'), [
      column('step', 'INT32', steps),
      column(
        'loss',
        'DOUBLE',
        steps.map((step) => 0.2 + 0.8 * Math.exp(-step / 150) + 0.02 * Math.sin(step)),
      ),
    ]);
    const looks = [500, 1000].flatMap((step) => [0.3, 1].map((sigma) => ({ step, sigma })));
    await writeTable(join(directory, 'validation.parquet'), [
      column(
        'step',
        'INT32',
        looks.map(({ step }) => step),
      ),
      column(
        'sigma',
        'DOUBLE',
        looks.map(({ sigma }) => sigma),
      ),
      column(
        'loss',
        'DOUBLE',
        looks.map(({ step, sigma }) => sigma + 100 / step),
      ),
    ]);
    if (info.shape.length !== 3) return;
    await mkdir(join(directory, 'samples'));
    for (const step of [500, 1000]) {
      const sheet = encodePng(emptyRaster(step / 10, 40));
      await writeFileAtomic(join(directory, 'samples', `step-${String(step).padStart(8, '0')}.png`), sheet);
    }
  },
  precompute: writeStore,
  train: writeTraining,
  attack: (directory, fixture, variant, config) =>
    writeJson(directory, 'attack.json', summaryOf(fixture, variant, config)),
  analyze: async (directory, _fixture, { analysis, arrays }) => {
    await writeJson(directory, 'analysis.json', analysis);
    await writeTensors(join(directory, 'arrays.safetensors'), arrays);
  },
};

/** Two shards whose records give mean and worst losses that the tests know: 2e-8 and 5e-8. */
async function writeStore(
  directory: string,
  { info }: Fixture,
  _variant: FixtureVariant,
  config: ExperimentConfig,
) {
  const images = info.trainCount;
  const targets = info.classNames.length;
  const store = {
    version: GRADIENT_STORE_VERSION,
    codec: config.precompute.codec,
    shape: info.shape,
    images,
    classes: targets,
    targets,
    targetClasses: 'all',
    shardImages: images / 2,
    description: 'a fixture',
  };
  await writeJson(directory, 'store.json', store);
  const summary = {
    shards: 2,
    rows: images * targets,
    bytes: 256,
    worstCosineLoss: 5e-8,
    meanCosineLoss: 2e-8,
  };
  await writeJson(directory, 'summary.json', summary);
}

async function writeTraining(
  directory: string,
  { n }: Fixture,
  variant: FixtureVariant,
  config: ExperimentConfig,
) {
  const { cosine } = variant;
  const epochs = Array.from({ length: config.train.epochs }, (_, i) => i + 1);
  const pace = 3 + (3 * variant.robust[0]!) / n;
  const fall = (epoch: number) => Math.exp(-epoch / pace);
  const crossEntropy = epochs.map((epoch) => 0.03 + 0.5 * fall(epoch));
  const meanCosine = epochs.map((epoch) => (cosine === undefined ? null : cosine * (1 - fall(epoch))));
  const alignment = meanCosine.map((value) => (value === null ? 0 : 2 * (1 - value)));
  const constant = (value: number) => epochs.map(() => value);
  await writeTable(join(directory, 'metrics.parquet'), [
    column('epoch', 'INT32', epochs),
    column(
      'step',
      'INT32',
      epochs.map((epoch) => 57 * epoch),
    ),
    column('learningRate', 'DOUBLE', constant(1e-3)),
    column('lambda', 'DOUBLE', constant(config.train.lambda)),
    column(
      'loss',
      'DOUBLE',
      crossEntropy.map((value, i) => value + config.train.lambda * alignment[i]!),
    ),
    column('crossEntropy', 'DOUBLE', crossEntropy),
    column('penalty', 'DOUBLE', alignment),
    { ...column('meanCosine', 'DOUBLE', meanCosine), nullable: true },
    column('gradientNorm', 'DOUBLE', constant(1)),
    column(
      'trainAccuracy',
      'DOUBLE',
      epochs.map((epoch) => 1 - 0.4 * fall(epoch)),
    ),
    column(
      'testAccuracy',
      'DOUBLE',
      epochs.map((epoch) => variant.cleanCorrect / n - 0.3 * fall(epoch)),
    ),
    ...['validationAccuracy', 'robustValidationAccuracy'].map((name) => ({
      ...column(
        name,
        'DOUBLE',
        epochs.map((epoch) => (config.train.validation === undefined ? null : 0.5 - 0.1 * fall(epoch))),
      ),
      nullable: true,
    })),
  ]);
}

function summaryOf(
  { n, info }: Fixture,
  { cleanCorrect, robust, doubts = [], certificate }: FixtureVariant,
  config: ExperimentConfig,
): AttackSummary {
  const attacks = namedSettings(config.attack).map(({ setting, name, parts: cascade }, i): AttackResult => {
    const { method, norm, eps, steps, targeted, minimal } = setting;
    const left = robust[i]!;
    const before = (part: number) => left + 12 * (cascade.length - 1 - part);
    return {
      name,
      method,
      norm,
      eps,
      steps: stepsOf({ method, steps }),
      transferFrom: setting.from?.model ?? null,
      interval: intervalOf(left, n),
      parts: cascade.map((part, k) => ({ attack: part.method, robust: before(k), queries: n, gradients: n })),
      confusion: confusionOf(info.classNames.length, n, left),
      curve: minimal ? curveOf(cleanCorrect, left, eps) : null,
      targeted,
      n,
      cleanCorrect,
      robust: left,
    };
  });
  return {
    version: ATTACK_SUMMARY_VERSION,
    model: config.train.network.kind,
    data: info.name,
    n,
    cleanCorrect,
    cleanInterval: intervalOf(cleanCorrect, n),
    classNames: info.classNames,
    seed: config.attack.seed ?? config.seed,
    attacks,
    doubts,
    ...(certificate && { certificate }),
  };
}

/** As many images of each class; of those that are led astray, most go to the next class, some to the one after. */
function confusionOf(classes: number, n: number, left: number): number[][] {
  const each = Math.floor(n / classes);
  const right = Math.floor(left / classes);
  return Array.from({ length: classes }, (_, label) => {
    const row = new Array<number>(classes).fill(0);
    row[label] = right;
    row[(label + 1) % classes]! += Math.ceil((each - right) / 2);
    row[(label + 3) % classes]! += Math.floor((each - right) / 2);
    return row;
  });
}

/** Falls from the clean accuracy through (eps, left) to nothing. */
function curveOf(clean: number, left: number, eps: number): { eps: number; robust: number }[] {
  const rate = Math.log(clean / left) / eps ** 2;
  return Array.from({ length: 101 }, (_, i) => {
    const radius = (3 * eps * i) / 100;
    return { eps: radius, robust: Math.round(clean * Math.exp(-rate * radius ** 2)) };
  });
}

function intervalOf(correct: number, n: number) {
  const { low, high } = wilson(correct, n);
  return { low, high };
}

function column(name: string, type: TableColumn['type'], values: unknown[]): TableColumn {
  return { name, type, values };
}

function writeJson(directory: string, name: string, value: unknown): Promise<void> {
  return writeFileAtomic(join(directory, name), `${JSON.stringify(value, null, 2)}\n`);
}
