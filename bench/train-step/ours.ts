/**
 * Times our training step on a case: `npx tsx bench/train-step/ours.ts --case FILE --network JSON --threads 2`.
 * Prints one line of JSON; the first step warms up, and gives the loss that both programs must agree on.
 */
import { parseArgs } from 'node:util';
import { registerEngine } from '../../pipeline/engine/register.ts';
import { type ClassifierConfig, classifierSchema } from '../../schemas/network-config.ts';
import { trainSchema } from '../../schemas/train-config.ts';
import { registerGradients } from '../../stages/numerics/gradients/register.ts';
import { makeClassifier } from '../../stages/numerics/networks/registry.ts';
import type { TrainBatch } from '../../stages/train/batches.ts';
import type { TrainSetting } from '../../stages/train/setting.ts';
import { settingOf } from '../../stages/train/setup.ts';
import { stateAtStart } from '../../stages/train/state.ts';
import { type StepFigures, trainStep } from '../../stages/train/trainer.ts';
import { fromStateDict } from '../../store/model-files.ts';
import { readTensors, type Tensor } from '../../store/tensor-file.ts';
import { medianOf } from '../processes.ts';
import { CLASSES, MODEL_PREFIX, SHAPE, TARGETS } from './case.ts';
import { LAMBDA, LEARNING_RATE, MOMENTUM } from './measure.ts';

const { values: options } = parseArgs({
  options: {
    case: { type: 'string' },
    network: { type: 'string' },
    threads: { type: 'string', default: '1' },
    steps: { type: 'string', default: '3' },
    'targets-at-once': { type: 'string' },
  },
});

function settingFor(network: ClassifierConfig): TrainSetting {
  const config = trainSchema.parse({
    network,
    method: 'pag',
    gradientOf: 'log-softmax',
    lambda: LAMBDA,
    targetsPerImage: 'all',
    ...(options['targets-at-once'] && { targetsAtOnce: Number(options['targets-at-once']) }),
    optimizer: { kind: 'sgd', learningRate: LEARNING_RATE, momentum: MOMENTUM },
  });
  return settingOf(config, makeClassifier(network, SHAPE, CLASSES), SHAPE, CLASSES, [0, 1]);
}

function batchOf(tensors: Record<string, Tensor>): TrainBatch {
  const labels = Uint16Array.from(tensors.labels!.data);
  const gradients = tensors.gradients!.data as Float32Array;
  const size = gradients.length / TARGETS;
  return {
    images: Uint32Array.from(labels, (_, i) => i),
    x: tensors.x!.data as Float32Array,
    labels,
    targets: Array.from({ length: TARGETS }, (_, target) => ({
      classes: new Uint16Array(labels.length).fill(target),
      gradient: gradients.subarray(target * size, (target + 1) * size),
    })),
  };
}

await registerEngine({ threads: Number(options.threads) });
registerGradients();
const path = options.case!;
const { tensors } = await readTensors(path);
const setting = settingFor(classifierSchema.parse(JSON.parse(options.network!)));
const layout = [...setting.network.parameters, ...setting.network.buffers];
const named = Object.entries(tensors).map(
  ([name, tensor]) => [name.slice(MODEL_PREFIX.length), tensor] as const,
);
let state = stateAtStart(setting, fromStateDict(layout, Object.fromEntries(named), path).flat);
const batch = batchOf(tensors);
const images = batch.labels.length;
const seconds: number[] = [];
let first: StepFigures | undefined;
for (let step = 1; step <= 1 + Number(options.steps); step++) {
  const beginMs = performance.now();
  const done = trainStep(setting, state, batch, { lambda: LAMBDA, learningRate: LEARNING_RATE, step });
  state = done.state;
  if (first === undefined) first = done.figures;
  else seconds.push((performance.now() - beginMs) / 1000);
}
const result = {
  pairsPerSec: (images * TARGETS) / medianOf(seconds),
  peakBytes: process.resourceUsage().maxRSS * 1024,
  firstLoss: (first!.crossEntropy + LAMBDA * first!.penalty) / images,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
