/** Attacks the classifier with every setting; a setting that is finished survives a crash. */
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type AttackSetting, attackSettings, stepsOf } from '../../schemas/attack-config.ts';
import {
  ATTACK_SUMMARY_VERSION,
  type AttackResult,
  type AttackSummary,
} from '../../schemas/attack-results.ts';
import type { ExperimentConfig } from '../../schemas/config.ts';
import type { StageContext } from '../../schemas/stage.ts';
import { writeFileAtomic } from '../../store/atomic-file.ts';
import { readDataset } from '../../store/dataset-artifact.ts';
import { writeTable } from '../../store/tables.ts';
import { predict } from '../numerics/analyses/predictions.ts';
import { wilson } from '../numerics/analyses/wilson.ts';
import { makeOracle } from '../numerics/attacks/oracle.ts';
import { registerGradients } from '../numerics/gradients/register.ts';
import { loadClassifier } from '../numerics/networks/trained-classifier.ts';
import { inputOf, stopIfAsked, yieldToEvents } from '../numerics/running.ts';
import { certificateOf, certifyImages, writeCertificates } from './certificate.ts';
import { ballDoubts, gradientDoubts, orderDoubts } from './doubts.ts';
import { evaluate, type Outcome, type Victim } from './evaluate.ts';
import { settingName } from './settings.ts';

export async function runAttack(context: StageContext): Promise<void> {
  registerGradients();
  const config = context.config.attack;
  const dataset = await readDataset(inputOf(context, 'dataset').directory);
  const logitsOf = await loadClassifier(inputOf(context, 'train').directory);
  const count = Math.min(config.images ?? dataset.test.count, dataset.test.count);
  const clean = predict(logitsOf, dataset.test, dataset.info.shape, count, config.batchSize);
  const victim: Victim = { logitsOf, dataset, clean, seed: config.seed ?? 0, batchSize: config.batchSize };
  const settings = attackSettings(config);
  const certified = config.certify === undefined ? 0 : Math.min(config.certify.images ?? count, count);
  const total = settings.length * count + certified;
  const reportAfter = (before: number) => async (done: number) => {
    context.progress({ done: before + done, total, unit: 'images' });
    await yieldToEvents();
    stopIfAsked(context);
  };
  const outcomes: Outcome[] = [];
  for (const [index, setting] of settings.entries()) {
    const path = join(context.directory, `outcome-${index}.json`);
    outcomes.push(await resumeOrRun(path, victim, setting, reportAfter(index * count)));
  }
  const summary = summarize(victim, settings, outcomes, modelName(context.config));
  const part = join(context.directory, 'certificates.json');
  if (config.certify !== undefined) {
    const rows = await certifyImages(victim, config.certify, certified, part, reportAfter(total - certified));
    summary.certificate = certificateOf(rows, config.certify);
    await writeCertificates(join(context.directory, 'certified.parquet'), rows);
  }
  await writeFileAtomic(join(context.directory, 'attack.json'), `${JSON.stringify(summary, null, 2)}\n`);
  await writeOutcomes(join(context.directory, 'images.parquet'), victim, settings, outcomes);
  for (const index of settings.keys())
    await rm(join(context.directory, `outcome-${index}.json`), { force: true });
  await rm(part, { force: true });
}

async function resumeOrRun(
  path: string,
  victim: Victim,
  setting: AttackSetting,
  onImages: (done: number) => Promise<void>,
): Promise<Outcome> {
  if (existsSync(path)) return JSON.parse(await readFile(path, 'utf8')) as Outcome;
  const outcome = await evaluate(victim, setting, onImages);
  await writeFileAtomic(path, JSON.stringify(outcome));
  return outcome;
}

/** Clean images at which the loss is exactly flat. */
function countZeroGradients({ logitsOf, dataset, clean, batchSize }: Victim): number {
  const { test, info } = dataset;
  const oracle = makeOracle(logitsOf, info.shape, info.classNames.length);
  let zeros = 0;
  for (let first = 0; first < clean.length; first += batchSize) {
    const images = Array.from({ length: Math.min(batchSize, clean.length - first) }, (_, i) => first + i);
    const answers = oracle.ask(
      images.map((image) => ({
        query: { x: test.slice(image, 1), loss: 'ce' },
        label: test.labels[image]!,
      })),
    );
    zeros += answers.filter(({ gradient }) => gradient.every((value) => value === 0)).length;
  }
  oracle.dispose();
  return zeros;
}

/** Name of what is attacked: the folder of an imported model, or the kind of network. */
function modelName({ attack, train }: ExperimentConfig): string {
  return attack.model === undefined ? train.network.kind : basename(attack.model.model);
}

function summarize(
  victim: Victim,
  settings: AttackSetting[],
  outcomes: Outcome[],
  model: string,
): AttackSummary {
  const { clean, dataset, seed } = victim;
  const n = clean.length;
  const cleanCorrect = clean.filter((label, i) => label === dataset.test.labels[i]).length;
  const intervalIn = (count: number) => {
    const { low, high } = wilson(count, n);
    return { low, high };
  };
  const { classNames } = dataset.info;
  const robustIn = (outcome: Outcome) => outcome.survived.filter(Boolean).length;
  const attacks: AttackResult[] = settings.map((setting, i) => ({
    name: settingName(setting),
    method: setting.method,
    norm: setting.norm,
    eps: setting.eps,
    steps: stepsOf(setting),
    targeted: setting.targeted,
    transferFrom: null,
    n,
    cleanCorrect,
    robust: robustIn(outcomes[i]!),
    interval: intervalIn(robustIn(outcomes[i]!)),
    parts: [],
    confusion: [],
    curve: null,
  }));
  const doubts = [
    ...settings.flatMap((setting, i) => ballDoubts(setting, outcomes[i]!)),
    ...gradientDoubts(countZeroGradients(victim), n),
    ...orderDoubts(attacks),
  ].map((sentence) => ({ kind: 'order' as const, sentence }));
  return {
    version: ATTACK_SUMMARY_VERSION,
    model,
    data: dataset.info.name,
    n,
    cleanCorrect,
    cleanInterval: intervalIn(cleanCorrect),
    seed,
    classNames,
    attacks,
    doubts,
  };
}

/** One row per attack setting and image. */
async function writeOutcomes(
  path: string,
  { clean, dataset }: Victim,
  settings: AttackSetting[],
  outcomes: Outcome[],
): Promise<void> {
  const rows = settings.flatMap((setting, s) =>
    Array.from(clean, (cleanPrediction, image) => ({
      setting,
      outcome: outcomes[s]!,
      cleanPrediction,
      image,
    })),
  );
  type Row = (typeof rows)[number];
  const column = (
    name: string,
    type: 'STRING' | 'INT32' | 'DOUBLE' | 'BOOLEAN',
    of: (row: Row) => unknown,
  ) => ({
    name,
    type,
    values: rows.map(of),
  });
  await writeTable(path, [
    column('attack', 'STRING', ({ setting }) => settingName(setting)),
    column('image', 'INT32', ({ image }) => image),
    column('label', 'INT32', ({ image }) => dataset.test.labels[image]),
    column('target', 'INT32', ({ outcome, image }) => outcome.target[image]),
    column('cleanPrediction', 'INT32', ({ cleanPrediction }) => cleanPrediction),
    column('adversarialPrediction', 'INT32', ({ outcome, image }) => outcome.prediction[image]),
    column('survived', 'BOOLEAN', ({ outcome, image }) => outcome.survived[image]),
    column('distance', 'DOUBLE', ({ outcome, image }) => outcome.distance[image]),
  ]);
}
