/** Score-based targets against their definition, one evaluation at a time; and the same bytes however they are batched. */
import '../../support/engine.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { scoreNetworkSchema } from '../../../schemas/network-config.ts';
import { analyticTarget } from '../../../stages/numerics/diffusion/analytic-target.ts';
import { denoise, type ScoreModel } from '../../../stages/numerics/diffusion/denoise.ts';
import { type LineMixture, mixtureScore } from '../../../stages/numerics/diffusion/line-mixture.ts';
import { makePreconditioning } from '../../../stages/numerics/diffusion/preconditioning/registry.ts';
import { addLevel, type ScoreTarget } from '../../../stages/numerics/diffusion/score-target.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { compiled } from '../../../stages/numerics/networks/compiled.ts';
import { makeScoreNetwork } from '../../../stages/numerics/networks/registry.ts';
import { loadParameters, parameterCount } from '../../../stages/numerics/tensor/parameters.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';
import { analyticScore } from '../../../stages/precompute/analytic-score.ts';
import { learnedScore } from '../../../stages/precompute/score-based.ts';
import { type Dataset, readDataset } from '../../../store/dataset-artifact.ts';
import { datasetArtifact } from '../../support/stage-context.ts';
import { CLASSES, everyClass, nothing, rowOf, SHAPE, SIZE, smallDataset, targetsOf } from './fixture.ts';

const FACTOR = 2;
const base: ScoreTarget = { sigmas: [0.8], draws: 2, seed: 5, combine: 'variance', guidance: 'difference' };
let dataset: Dataset;
let model: ScoreModel;
/** Another network, which sees the data in another scale and knows no classes. */
let other: ScoreModel;

function scoreModel(network: object, shape: number[], classes: number, seed: number): ScoreModel {
  const made = makeScoreNetwork(scoreNetworkSchema.parse(network), shape, classes);
  const flat = randomStream(seed).fillNormal(new Float32Array(parameterCount(made.parameters)));
  const parameters = loadParameters(
    made.parameters,
    flat.map((value) => 0.3 * value),
  );
  const preconditioning = makePreconditioning({ kind: 'edm', sigmaData: 0.5 });
  return { network: made, parameters, preconditioning, scale: { factor: FACTOR, shift: -1 }, classes };
}

beforeAll(async () => {
  registerGradients();
  dataset = await smallDataset();
  model = scoreModel({ kind: 'mlp', hidden: [16] }, SHAPE, CLASSES, 1);
  const blank = scoreModel({ kind: 'mlp', hidden: [8] }, SHAPE, 0, 2);
  other = { ...blank, scale: { factor: 0.5, shift: 3 } };
});

const maker = (target: Partial<ScoreTarget>, batchSize = 64, unconditional = model) =>
  learnedScore(dataset, { conditional: model, unconditional, target: { ...base, ...target }, batchSize });

/** The score ∇ log p of the data, in data units, at a noisy image in data units. */
function scoreOf(
  { scale, ...rest }: ScoreModel,
  noisy: number[],
  sigma: number,
  label: number | null,
): number[] {
  const scaled = noisy.map((value) => value * scale.factor + scale.shift);
  const scaledSigma = sigma * scale.factor;
  const oneHot = Array.from({ length: rest.classes }, (_, c) => (c === label ? 1 : 0));
  return tf.tidy(() => {
    const x = tf.tensor(scaled, [1, ...SHAPE]);
    const d = denoise(rest, x, Float32Array.of(scaledSigma), tf.tensor2d(oneHot, [1, rest.classes]));
    // The chain rule: the gradient by the data is that by the scaled data times the factor.
    return [...d.dataSync()].map((value, j) => (scale.factor * (value - scaled[j]!)) / scaledSigma ** 2);
  });
}

/** Image plus noise in data units; σ is in the scale of {@link model}. */
function noisyImage(index: number, sigma: number, draw: number, level: number): number[] {
  const name = level === 0 ? [index, draw] : [index, draw, level];
  const random = randomStream(base.seed, 'precompute-noise', ...name);
  return [...dataset.train.slice(index, 1)].map((value) => value + (sigma / FACTOR) * random.normal());
}

/** a·s(x|y) + b·s(x) averaged over draws at one level. */
function expectedLevel(
  index: number,
  label: number,
  target: ScoreTarget,
  level: number,
  a: number,
  b: number,
  blank = model,
) {
  const sigma = target.sigmas[level]!;
  const mean = new Float64Array(SIZE);
  for (let draw = 0; draw < target.draws; draw++) {
    const noisy = noisyImage(index, sigma, draw, level);
    const conditional = scoreOf(model, noisy, sigma / FACTOR, label);
    const unconditional = scoreOf(blank, noisy, sigma / FACTOR, null);
    for (let j = 0; j < SIZE; j++) mean[j]! += (a * conditional[j]! + b * unconditional[j]!) / target.draws;
  }
  return mean;
}

function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>): void {
  const length = Math.hypot(...Array.from(expected));
  Array.from(found).forEach((value, j) => {
    expect(Math.abs(value - expected[j]!)).toBeLessThan(2e-4 * length);
  });
}

describe('score-based targets', () => {
  it('are the conditional minus the unconditional score at the same noisy image, averaged over draws', async () => {
    const found = await targetsOf(maker({}), 20, 3);
    expectClose(rowOf(found, 1, 2), expectedLevel(21, 2, base, 0, 1, -1));
  });

  it('with guidance w are the score that leads the sampler: s(x) + w (s(x|y) - s(x))', async () => {
    for (const guidance of [1, 2.5]) {
      const found = await targetsOf(maker({ guidance }), 20, 3);
      expectClose(rowOf(found, 2, 1), expectedLevel(22, 1, base, 0, guidance, 1 - guidance));
    }
  });

  it('take the unconditional score from another model, which sees the data in its own scale', async () => {
    const found = await targetsOf(maker({}, 64, other), 20, 3);
    expectClose(rowOf(found, 0, 1), expectedLevel(20, 1, base, 0, 1, -1, other));
  });

  it('weigh several levels by their variance, or all alike', async () => {
    const sigmas = [0.5, 1.5];
    const levels = sigmas.map((_, level) => expectedLevel(21, 0, { ...base, sigmas }, level, 1, -1));
    const weighed = levels[0]!.map((value, j) => (0.25 * value + 2.25 * levels[1]![j]!) / 2.5);
    const variance = await targetsOf(maker({ sigmas }), 20, 3);
    expectClose(rowOf(variance, 1, 0), weighed);
    const lengths = levels.map((level) => Math.hypot(...level));
    const alike = levels[0]!.map((value, j) => (value / lengths[0]! + levels[1]![j]! / lengths[1]!) / 2);
    const unit = await targetsOf(maker({ sigmas, combine: 'unit' }), 20, 3);
    expectClose(rowOf(unit, 1, 0), alike);
  });

  it('leave a level without direction out of a mean of unit vectors', () => {
    const out = new Float64Array(2);
    const target = { sigmas: [1, 2], combine: 'unit' as const };
    addLevel(target, 0, [0, 0], out);
    addLevel(target, 1, [3, 4], out);
    expect(out[0]).toBeCloseTo(0.3, 12);
    expect(out[1]).toBeCloseTo(0.4, 12);
  });
});

describe('the bytes of score-based targets', () => {
  it.each([
    ['one network', {}, () => model],
    ['two networks', {}, () => other],
    ['several levels', { sigmas: [0.3, 1], combine: 'unit' as const, draws: 3 }, () => model],
    ['the conditional score alone', { guidance: 1 }, () => model],
  ])('are the same at any batch size, range and set of classes: %s', async (_, target, blank) => {
    const whole = await targetsOf(maker(target, 256, blank()), 0, 30);
    for (const [batchSize, first, count] of [
      [16, 13, 4],
      [48, 0, 30],
      [7, 29, 1],
      [1000, 5, 11],
    ] as const) {
      const part = await targetsOf(maker(target, batchSize, blank()), first, count);
      expect(part).toEqual(whole.slice(first * CLASSES * SIZE, (first + count) * CLASSES * SIZE));
    }
    const some = await targetsOf(maker(target, 32, blank()), 8, 2, Uint16Array.of(2, 0, 1, 2));
    expect([...some]).toEqual([8, 8, 9, 9].flatMap((i, k) => rowOf(whole, i, [2, 0, 1, 2][k]!)));
  });

  it('are the same at any batch size with a U-Net that has attention', async () => {
    const images = Uint8Array.from({ length: 12 * 64 }, (_, i) => (i * 37) % 251);
    const labels = Uint16Array.from({ length: 12 }, (_, i) => i % CLASSES);
    const squares = await readDataset(await datasetArtifact([8, 8, 1], CLASSES, { images, labels }));
    const unet = { kind: 'unet', channels: 8, multipliers: [1, 2], groups: 4, attention: [4] };
    const plain = scoreModel(unet, [8, 8, 1], CLASSES, 4);
    // As it is loaded from a folder, a graph for each size of a batch.
    const network = { ...plain, network: compiled(plain.network, plain.parameters) };
    const of = (batchSize: number, first: number, count: number) =>
      targetsOf(
        learnedScore(squares, { conditional: network, unconditional: network, target: base, batchSize }),
        first,
        count,
        everyClass(count),
      );
    const whole = await of(128, 0, 12);
    expect(await of(16, 0, 12)).toEqual(whole);
    expect(await of(64, 5, 3)).toEqual(whole.slice(5 * CLASSES * 64, 8 * CLASSES * 64));
  });
});

describe('the network of score-based targets', () => {
  it('sees full batches across images and classes, and the unconditional question once for all classes', async () => {
    const sizes: number[] = [];
    const images: number[] = [];
    const { network } = model;
    const counting: ScoreModel = {
      ...model,
      network: {
        ...network,
        forward: (values, x, noise, oneHot, ...rest) => {
          sizes.push(oneHot.shape[0]);
          images.push(x.shape[0]!);
          return network.forward(values, x, noise, oneHot, ...rest);
        },
      },
    };
    const score = { conditional: counting, unconditional: counting, target: base, batchSize: 64 };
    await targetsOf(learnedScore(dataset, score), 0, 20);
    // 20 images of 2 draws, 3 classes and once without: 160 questions, the last batch filled up to a multiple of 16.
    expect(sizes).toEqual([64, 64, 32]);
    // At most 17 noisy images have a row among 64, filled up to a multiple of 8.
    expect(images).toEqual([24, 24, 24]);
    const reports: number[] = [];
    await learnedScore(dataset, score).compute({
      first: 0,
      count: 20,
      classes: everyClass(20),
      onImage: async (done) => void reports.push(done),
    });
    expect(reports).toEqual([8, 16, 20]);
    await learnedScore(dataset, { ...score, target: { ...base, guidance: 1 } }).compute({
      first: 0,
      count: 8,
      classes: everyClass(8),
      onImage: nothing,
    });
    expect(sizes.slice(6)).toEqual([48]);
  });
});

describe('analytic targets', () => {
  const mixture: LineMixture = {
    modes: [
      { center: [-3, 0], label: 0 },
      { center: [3, 0], label: 1 },
    ],
    direction: [1, 0],
    deviation: 1,
  };

  it('are made of exact scores as the others are of learned ones', async () => {
    const target: ScoreTarget = { ...base, sigmas: [2, 4], guidance: 3, draws: 2 };
    const at = (draw: number, level: number): [number, number] => {
      const random = randomStream(base.seed, 'precompute-noise', 9, draw, ...(level === 0 ? [] : [level]));
      const noise = () => Math.fround(1) + target.sigmas[level]! * random.normal();
      return [Math.fround(noise()), Math.fround(noise())];
    };
    const expected = [0, 0];
    for (const [level, sigma] of target.sigmas.entries()) {
      for (const draw of [0, 1]) {
        const conditional = mixtureScore(mixture, at(draw, level), sigma, 1);
        const unconditional = mixtureScore(mixture, at(draw, level), sigma, null);
        for (const axis of [0, 1] as const) {
          expected[axis]! += ((3 * conditional[axis] - 2 * unconditional[axis]) / 2) * (sigma ** 2 / 20);
        }
      }
    }
    const found = analyticTarget(mixture, Float32Array.of(1, 1), 9, 1, target);
    found.forEach((value, axis) => {
      expect(value).toBeCloseTo(expected[axis]!, 10);
    });
    const images = Float32Array.of(0, 0, 1, 1);
    const points = await readDataset(await datasetArtifact([2], 2, { images, labels: Uint16Array.of(0, 1) }));
    const stored = await analyticScore(points, mixture, target).compute({
      first: 1,
      count: 1,
      classes: Uint16Array.of(1),
      onImage: nothing,
    });
    expect([...stored]).toEqual([
      ...Float32Array.from(analyticTarget(mixture, Float32Array.of(1, 1), 1, 1, target)),
    ]);
  });
});
