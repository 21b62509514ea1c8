/** The running average of the weights: by the closed form of its recursion, and where it is used. */
import '../../support/engine.ts';
import { describe, expect, it } from 'vitest';
import { readClassifier } from '../../../stages/numerics/networks/trained-classifier.ts';
import { checkpointOf, makeWorld, RESNET } from './fixture.ts';

const world = makeWorld();
const SETTINGS = {
  method: 'vanilla',
  network: RESNET,
  ema: { halfLifeImages: 40 },
  optimizer: { kind: 'adam', learningRate: 0.01 },
};
const STEPS = 12;

/** Weights and running statistics after each step. */
async function trajectory(): Promise<Float32Array[]> {
  const { directory } = world.contextOf(SETTINGS);
  const models: Float32Array[] = [];
  for (let step = 1; step <= STEPS; step++) {
    const { vectors } = await checkpointOf(await world.trainUntil(step, SETTINGS, directory));
    models.push(Float32Array.of(...vectors.values!, ...vectors.buffers!));
  }
  return models;
}

describe('the average of the weights', () => {
  it('is the sum over steps that its recursion has as closed form, running statistics included', async () => {
    const models = await trajectory();
    const stopped = await world.trainUntil(STEPS, SETTINGS);
    const { average } = (await checkpointOf(stopped)).vectors;
    // Half-life of 40 images, but at most a twentieth of those seen; 16 images a step.
    const decays = models.map((_, i) => 0.5 ** (16 / Math.min(40, 0.05 * 16 * (i + 1))));
    const shares = decays.map((decay, i) =>
      decays.slice(i + 1).reduce((share, later) => share * later, 1 - decay),
    );
    // The start keeps the product of all decays, which is nothing that float32 could show.
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(average).toHaveLength(models[0]!.length);
    average!.forEach((value, i) => {
      const expected = models.reduce((sum, model, k) => sum + shares[k]! * model[i]!, 0);
      expect(Math.abs(value - expected)).toBeLessThan(2e-6 * Math.max(1, Math.abs(expected)));
    });
    const { directory } = await world.train(SETTINGS, stopped.directory);
    expect((await readClassifier(directory)).weights.flat).toEqual(average);
  });

  it('leaves training as it is', async () => {
    const { ema, ...plain } = SETTINGS;
    const [averaged, last] = [await world.trainUntil(STEPS, SETTINGS), await world.trainUntil(STEPS, plain)];
    const [one, other] = [await checkpointOf(averaged), await checkpointOf(last)];
    expect(one.vectors.values).toEqual(other.vectors.values);
    expect(other.vectors).not.toHaveProperty('average');
  });
});
