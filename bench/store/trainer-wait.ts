/**
 * What the trainer spends on anything but its steps when it reads targets from a store:
 * `npx tsx bench/store/trainer-wait.ts [FOLDER]`. Two minutes, and 130 MB of space in FOLDER (the system's folder for
 * temporary files).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registerEngine } from '../../pipeline/engine/register.ts';
import { GRADIENT_STORE_VERSION } from '../../schemas/gradient-store.ts';
import { classifierSchema } from '../../schemas/network-config.ts';
import { type TrainConfig, trainSchema } from '../../schemas/train-config.ts';
import { registerGradients } from '../../stages/numerics/gradients/register.ts';
import { makeClassifier } from '../../stages/numerics/networks/registry.ts';
import { yieldToEvents } from '../../stages/numerics/running.ts';
import { initializeParameters } from '../../stages/numerics/tensor/parameters.ts';
import { randomStream } from '../../stages/numerics/tensor/random.ts';
import { makeBatches } from '../../stages/train/batches.ts';
import { settingOf } from '../../stages/train/setup.ts';
import { stateAtStart } from '../../stages/train/state.ts';
import { trainStep } from '../../stages/train/trainer.ts';
import { readDataset, writeDataset } from '../../store/dataset-artifact.ts';
import { openGradientReader } from '../../store/shards/gradient-reader.ts';
import { openGradientWriter } from '../../store/shards/gradient-writer.ts';
import { prefetch } from '../../store/shards/prefetch.ts';

const SHAPE = [32, 32, 3];
const SIZE = 32 * 32 * 3;
const CLASSES = 10;
const IMAGES = 2048;
const STEPS = 24;
/** As the train stage has it. */
const PREFETCHED = 4;

/** A small network, as the time of a step is to be short: three convolutions. */
function configOf(targetsPerImage: number | 'all'): TrainConfig {
  return trainSchema.parse({
    network: classifierSchema.parse({ kind: 'cnn' }),
    method: 'pag',
    lambda: 1,
    targetsPerImage,
    batchSize: 128,
  });
}

async function writeInputs(folder: string): Promise<void> {
  const random = randomStream(0, 'bench-store');
  const images = Uint8Array.from({ length: IMAGES * SIZE }, () => random.uniform() * 256);
  const labels = Uint16Array.from({ length: IMAGES }, (_, i) => i % CLASSES);
  const classNames = Array.from({ length: CLASSES }, (_, k) => String(k));
  const rest = { storage: 'uint8' as const, box: [0, 1] as [number, number], sources: [], provenance: '' };
  const counts = { trainCount: IMAGES, testCount: IMAGES };
  const info = { name: 'benchmark', shape: SHAPE, classNames, ...counts, ...rest };
  await writeDataset(folder, info, { train: { images, labels }, test: { images, labels } });
  const writer = await openGradientWriter(folder, {
    version: GRADIENT_STORE_VERSION,
    codec: 'float16',
    shape: SHAPE,
    images: IMAGES,
    classes: CLASSES,
    targets: CLASSES,
    targetClasses: 'all',
    shardImages: 1024,
    description: 'benchmark',
  });
  const gradients = Float32Array.from({ length: 1024 * CLASSES * SIZE }, () => random.uniform() - 0.5);
  for (let shard = 0; shard < writer.shardCount; shard++) await writer.write(shard, gradients);
}

/** Seconds of a run as the train stage does it, and those of its steps alone. The first step does not count. */
async function run(folder: string, config: TrainConfig): Promise<{ all: number; steps: number }> {
  const dataset = await readDataset(folder);
  const reader = await openGradientReader(folder);
  const network = makeClassifier(config.network, SHAPE, CLASSES);
  const setting = settingOf(config, network, SHAPE, CLASSES, [0, 1]);
  const layout = [...setting.network.parameters, ...setting.network.buffers];
  let state = stateAtStart(setting, initializeParameters(layout, randomStream(0, 'bench-store')));
  const make = makeBatches(
    dataset,
    Uint32Array.from({ length: IMAGES }, (_, i) => i),
    config,
    reader,
  );
  let step = 0;
  let [beginMs, stepsMs] = [0, 0];
  for await (const batch of prefetch(STEPS, make, PREFETCHED)) {
    step++;
    const startMs = performance.now();
    if (step === 2) beginMs = startMs;
    state = trainStep(setting, state, batch, { lambda: 1, learningRate: 1e-4, step }).state;
    if (step > 1) stepsMs += performance.now() - startMs;
    await yieldToEvents();
  }
  await reader.close();
  return { all: (performance.now() - beginMs) / 1000, steps: stepsMs / 1000 };
}

const folder = await mkdtemp(join(process.argv[2] ?? tmpdir(), 'bench-wait-'));
try {
  await registerEngine({ threads: 1 });
  registerGradients();
  await writeInputs(folder);
  for (const targetsPerImage of [2, 'all'] as const) {
    const { all, steps } = await run(folder, configOf(targetsPerImage));
    const [share, ms] = [(100 * (all - steps)) / all, (1000 * steps) / (STEPS - 1)];
    // biome-ignore lint/suspicious/noConsole: it is what this program is run for
    console.log(
      `targets ${targetsPerImage}: step ${ms.toFixed(0)} ms, waiting ${share.toFixed(2)} % of the time`,
    );
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
