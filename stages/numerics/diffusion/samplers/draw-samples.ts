/** Samples of a score model. A sample depends on (seed, its noise, its class) alone, whatever the batch. */
import type { SamplerName } from '../../../../schemas/score-config.ts';
import { sizeOf } from '../../../../schemas/shape.ts';
import { type RandomStream, randomStream } from '../../tensor/random.ts';
import { tf } from '../../tensor/tf.ts';
import type { ScoreModel } from '../denoise.ts';
import { guidedDenoiser } from './guided.ts';
import { samplingLevels } from './levels.ts';
import { samplers } from './registry.ts';
import type { Churn } from './sampler.ts';

/** A sample that is asked for. */
export interface AskedSample {
  /** Null for no class. */
  label: number | null;
  /** Names its noise, together with the seed. */
  noise: number;
}

export interface SampleSettings {
  sampler: SamplerName;
  /** Noise levels. */
  steps: number;
  guidance: number;
  seed: number;
  /** Left out: deterministic. Only Heun's sampler knows it. */
  churn?: Churn;
  /** Samples at a time. @default 64 */
  batchSize?: number;
}

const NO_CHURN: Churn = { amount: 0, least: 0, largest: Number.POSITIVE_INFINITY, noise: 1 };

/**
 * @param shape of one sample
 * @param afterBatch told how many samples are done; for progress and to stop
 * @returns in the units of the data, [samples × size]
 */
export async function drawSamples(
  model: ScoreModel,
  shape: readonly number[],
  asked: readonly AskedSample[],
  settings: SampleSettings,
  afterBatch: (done: number) => void | Promise<void> = () => {},
): Promise<Float32Array> {
  const { batchSize = 64, seed } = settings;
  const size = sizeOf(shape);
  const out = new Float32Array(asked.length * size);
  for (let first = 0; first < asked.length; first += batchSize) {
    const batch = asked.slice(first, first + batchSize);
    const streams = batch.map(({ noise }) => randomStream(seed, 'sample', noise));
    out.set(drawBatch(model, shape, batch, streams, settings), first * size);
    await afterBatch(first + batch.length);
  }
  const { factor, shift } = model.scale;
  return out.map((value) => (value - shift) / factor);
}

function drawBatch(
  model: ScoreModel,
  shape: readonly number[],
  batch: readonly AskedSample[],
  streams: readonly RandomStream[],
  { sampler, steps, guidance, churn = NO_CHURN }: SampleSettings,
): Float32Array {
  const size = sizeOf(shape);
  const drawNoise = () => {
    const values = new Float32Array(streams.length * size);
    streams.forEach((random, i) => {
      random.fillNormal(values.subarray(i * size, (i + 1) * size));
    });
    return tf.tensor(values, [streams.length, ...shape]);
  };
  const { range, round } = model.preconditioning;
  const levels = samplingLevels(steps, range, round);
  const oneHot = new Float32Array(batch.length * model.classes);
  batch.forEach(({ label }, i) => {
    if (label !== null) oneHot[i * model.classes + label] = 1;
  });
  const samples = tf.tidy(() => {
    const denoiser = guidedDenoiser(model, tf.tensor2d(oneHot, [batch.length, model.classes]), guidance);
    return samplers[sampler](denoiser, tf.mul(drawNoise(), levels[0]!), levels, churn, drawNoise);
  });
  const values = samples.dataSync() as Float32Array;
  samples.dispose();
  return values;
}
