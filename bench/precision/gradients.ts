/**
 * Program that precision.ts starts once for each precision: `gradients.ts PRECISION MODEL DATASET OUT`. Writes the
 * input gradients and the gradients of two losses by the parameters, and the time of a training step.
 */
import { registerEngine } from '../../pipeline/engine/register.ts';
import type { Precision } from '../../schemas/setting-types.ts';
import { trainSchema } from '../../schemas/train-config.ts';
import { classGradients } from '../../stages/numerics/analyses/class-gradients.ts';
import { registerGradients } from '../../stages/numerics/gradients/register.ts';
import { readClassifier, type StoredClassifier } from '../../stages/numerics/networks/trained-classifier.ts';
import { loadParameters } from '../../stages/numerics/tensor/parameters.ts';
import { randomStream } from '../../stages/numerics/tensor/random.ts';
import { tf } from '../../stages/numerics/tensor/tf.ts';
import type { TrainBatch } from '../../stages/train/batches.ts';
import { settingOf } from '../../stages/train/setup.ts';
import { stateAtStart } from '../../stages/train/state.ts';
import { trainStep } from '../../stages/train/trainer.ts';
import { type Dataset, readDataset } from '../../store/dataset-artifact.ts';
import { writeTensors } from '../../store/tensor-file.ts';

const BATCH = 32;
const TARGETS = 2;
const REPEATS = 5;

const [precision, modelFolder, datasetFolder, out] = process.argv.slice(2) as [
  Precision,
  string,
  string,
  string,
];
await registerEngine({ precision });
registerGradients();
const stored = await readClassifier(modelFolder);
const dataset = await readDataset(datasetFolder);
const parameters = loadParameters(stored.layout, stored.weights.flat);
const classes = stored.model.classNames.length;
const means = classMeans(dataset);
const inputs = classGradients(
  (x) => stored.network.logits(parameters, x),
  dataset.test.slice(0, BATCH),
  dataset.info.shape,
  classes,
);
const [vanilla, pag] = (['vanilla', 'pag'] as const).map((method) => gradientOf(method, stored, dataset));
const alignment = pag!.gradient.map((value, i) => value - vanilla!.gradient[i]!);
const vectors = { inputs, 'cross entropy': vanilla!.gradient, alignment };
await writeTensors(
  out,
  Object.fromEntries(Object.entries(vectors).map(([name, data]) => [name, { shape: [data.length], data }])),
  { vanillaMs: String(vanilla!.stepMs), pagMs: String(pag!.stepMs) },
);

/** The gradient of a method's loss, which is the velocity after the first step, and the shortest time of a step. */
function gradientOf(
  method: 'vanilla' | 'pag',
  { network, model, weights }: StoredClassifier,
  { info }: Dataset,
) {
  const config = trainSchema.parse({ method, network: model.network, optimizer: { kind: 'sgd' } });
  const setting = settingOf(config, network, info.shape, classes, info.box);
  const batch = makeBatch(dataset, method === 'pag' ? TARGETS : 0);
  const schedule = { lambda: 1, learningRate: 0, step: 1 };
  let { state } = trainStep(setting, stateAtStart(setting, weights.flat), batch, schedule);
  const gradient = Float32Array.from(state.slots[0]!.dataSync());
  let stepMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < REPEATS; i++) {
    const begun = performance.now();
    ({ state } = trainStep(setting, state, batch, schedule));
    stepMs = Math.min(stepMs, performance.now() - begun);
  }
  tf.dispose([state.values, state.buffers, ...state.slots]);
  return { gradient, stepMs };
}

/** Test images with class means as targets, drawn classes. */
function makeBatch({ test, size }: Dataset, targets: number): TrainBatch {
  const random = randomStream(0, 'precision-targets');
  const x = test.slice(0, BATCH);
  const drawTarget = () => {
    const drawn = Uint16Array.from({ length: BATCH }, () => random.integer(classes));
    const gradient = x.map((value, j) => means[drawn[Math.floor(j / size)]!]![j % size]! - value);
    return { classes: drawn, gradient };
  };
  return {
    images: Uint32Array.from({ length: BATCH }, (_, i) => i),
    x,
    labels: test.labels.subarray(0, BATCH),
    targets: Array.from({ length: targets }, drawTarget),
  };
}

function classMeans({ test, size }: Dataset): Float32Array[] {
  const sums = Array.from({ length: classes }, () => new Float32Array(size));
  const counts = new Array<number>(classes).fill(0);
  const image = new Float32Array(size);
  test.labels.forEach((label, i) => {
    test.copyImage(i, image, 0);
    counts[label]! += 1;
    image.forEach((value, j) => {
      sums[label]![j]! += value;
    });
  });
  return sums.map((sum, label) => sum.map((value) => value / counts[label]!));
}
