/**
 * Whole trainings on a small data set that rewards what the methods are for: one pixel tells the class of nearly
 * every image by a wide margin, and many pixels tell it together by small ones (after Tsipras et al. 2019).
 */
import '../../../support/engine.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AttackSummary } from '../../../../schemas/attack-results.ts';
import { runAttack } from '../../../../stages/attack/run.ts';
import { registerGradients } from '../../../../stages/numerics/gradients/register.ts';
import { entropyGradient, squaredLengths } from '../../../../stages/numerics/losses/entropy-gradient.ts';
import { loadClassifier } from '../../../../stages/numerics/networks/trained-classifier.ts';
import { randomStream } from '../../../../stages/numerics/tensor/random.ts';
import { tf } from '../../../../stages/numerics/tensor/tf.ts';
import { runTrain } from '../../../../stages/train/run.ts';
import { configOf, contextOf, datasetArtifact } from '../../../support/stage-context.ts';

const COUNT = 240;
const SIZE = 36;
const labels = Uint16Array.from({ length: COUNT }, (_, i) => i % 2);
let images: Uint8Array;
let dataset: string;
let vanilla: string;

beforeAll(async () => {
  registerGradients();
  const random = randomStream(4, 'images');
  images = Uint8Array.from({ length: COUNT * SIZE }, (_, k) => {
    const sign = labels[Math.floor(k / SIZE)] === 1 ? 1 : -1;
    const isWide = k % SIZE === 0;
    const told = isWide ? (random.uniform() < 0.95 ? sign : -sign) * 90 : sign * 13;
    return Math.round(128 + told + (isWide ? 5 : 20) * random.normal());
  });
  dataset = await datasetArtifact([6, 6, 1], 2, { images, labels });
  vanilla = await train({ method: 'vanilla' });
});

async function train(settings: object): Promise<string> {
  const config = configOf({
    train: {
      network: { kind: 'mlp', hidden: [16] },
      normalization: { mean: 0.5, std: 0.25 },
      epochs: 12,
      batchSize: 40,
      optimizer: { kind: 'adam', learningRate: 0.01 },
      ...settings,
    },
  });
  const context = contextOf(config, { dataset });
  await runTrain(context);
  return context.directory;
}

/** Shares of images that are classified right: clean, and under PGD in L∞. */
async function accuracies(model: string, eps = 0.1, attack: object = {}) {
  const attacks = [{ method: 'pgd', norm: 'Linf', eps: [eps], steps: 10 }];
  const context = contextOf(configOf({ attack: { attacks, ...attack } }), { dataset, train: model });
  await runAttack(context);
  const text = readFileSync(join(context.directory, 'attack.json'), 'utf8');
  const { cleanCorrect, n, certificate, attacks: results } = JSON.parse(text) as AttackSummary;
  return { clean: cleanCorrect / n, robust: results[0]!.robust / n, certificate };
}

/** Means over images of ‖∇ₓ CE‖² on noisy images (on clean ones it is near 0), and of its change on the way there. */
async function gradientFigures(model: string) {
  const logitsOf = await loadClassifier(model);
  const x = tf.tensor(
    Float32Array.from(images, (byte) => byte / 255),
    [COUNT, 6, 6, 1],
  );
  const noise = tf.tensor(randomStream(6).fillNormal(new Float32Array(COUNT * SIZE)), x.shape);
  const moved = tf.add(x, tf.mul(noise, 0.1));
  const oneHot = tf.oneHot(Array.from(labels), 2) as tf.Tensor2D;
  const gradientAt = (points: tf.Tensor) => {
    let gradient: tf.Tensor | undefined;
    tf.grad((input) => {
      const logits = logitsOf(input);
      gradient = tf.keep(entropyGradient(logits, input, oneHot));
      return tf.sum(logits);
    })(points);
    return gradient!;
  };
  const mean = (of: tf.Tensor) => tf.mean(squaredLengths(of)).dataSync()[0]!;
  const [here, there] = [gradientAt(x), gradientAt(moved)];
  return { squaredLength: mean(there), change: mean(tf.sub(there, here)) };
}

describe('training by', () => {
  it.each([
    ['pgd-adversarial', { pgd: { norm: 'Linf', eps: 0.1, steps: 4 } }],
    ['fgsm-adversarial', { fgsm: { eps: 0.1 } }],
    ['fgsm-adversarial', { fgsm: { eps: 0.1, randomStart: true, relativeStep: 1.25, cleanShare: 0 } }],
  ])('%s withstands the attack that breaks the vanilla network %j', async (method, settings) => {
    const before = await accuracies(vanilla);
    expect(before.clean).toBeGreaterThan(0.97);
    expect(before.robust).toBeLessThan(0.4);
    const after = await accuracies(await train({ method, ...settings }));
    expect(after.clean).toBeGreaterThan(0.9);
    expect(after.robust).toBeGreaterThan(0.8);
  });

  it('low-ε adversarial training withstands more, the larger the ε', async () => {
    const trained = (eps: string) =>
      train({ method: 'pgd-adversarial', pgd: { norm: 'Linf', eps, steps: 4 } });
    const models = [vanilla, await trained('8/255'), await trained('16/255')];
    const robust: number[] = [];
    for (const model of models) robust.push((await accuracies(model, 0.06)).robust);
    expect(robust[1]).toBeGreaterThan(robust[0]! + 0.05);
    expect(robust[2]).toBeGreaterThan(robust[1]! + 0.05);
  });

  it('gradient-norm shortens the input gradients', async () => {
    const [before, after] = [
      await gradientFigures(vanilla),
      await gradientFigures(await train({ method: 'gradient-norm', lambda: 1 })),
    ];
    expect(after.squaredLength).toBeLessThan(0.5 * before.squaredLength);
  });

  it.each([{ kind: 'gaussian', sigma: 0.1 }, { kind: 'sign' }])(
    'smoothness %j makes the input gradients change less',
    async (smoothness) => {
      const [before, after] = [
        await gradientFigures(vanilla),
        await gradientFigures(await train({ method: 'smoothness', lambda: 3, smoothness })),
      ];
      expect(after.change).toBeLessThan(0.5 * before.change);
    },
  );

  it.each(['gaussian-noise', 'randomized-smoothing'])('%s certifies more images', async (method) => {
    const attack = { images: 60, certify: { sigma: 0.25, n0: 20, n: 200 } };
    const [before, after] = [
      await accuracies(vanilla, 0.1, attack),
      await accuracies(await train({ method, noise: { sigma: 0.25 } }), 0.1, attack),
    ];
    const within = ({ certificate }: typeof before, radius: number) =>
      certificate!.radii.find((entry) => entry.radius === radius)!.correct;
    expect(within(after, 0.25)).toBeGreaterThan(within(before, 0.25) + 10);
  });

  it('two phases begins as vanilla training, to the bit', async () => {
    const schedule = { kind: 'two-phase', zeroEpochs: 2 };
    const short = { epochs: 2, checkpointSteps: 1000 };
    const weights = (directory: string) => readFileSync(join(directory, 'model.safetensors'));
    const two = await train({ method: 'gradient-norm', lambdaSchedule: schedule, ...short });
    expect(weights(two).equals(weights(await train({ method: 'vanilla', ...short })))).toBe(true);
    const three = await train({ method: 'gradient-norm', lambdaSchedule: schedule, epochs: 3 });
    expect(weights(three).equals(weights(await train({ method: 'vanilla', epochs: 3 })))).toBe(false);
  });
});
