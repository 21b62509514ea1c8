/** What holds for every method: exact gradients, micro-batches, steady memory, and keys that know what is read. */
import { beforeAll, describe, expect, it } from 'vitest';
import { METHOD_NAMES, METHOD_SETTINGS } from '../../../../schemas/train-methods.ts';
import { registerGradients } from '../../../../stages/numerics/gradients/register.ts';
import { parameterCount } from '../../../../stages/numerics/tensor/parameters.ts';
import { makeMethod } from '../../../../stages/train/methods/registry.ts';
import { trainStage } from '../../../../stages/train/stage.ts';
import { tf } from '../../../support/engine.ts';
import { configOf } from '../../../support/stage-context.ts';
import { batchOf, normNetwork, numbers, settingOf, smoothNetwork, step } from './support.ts';

beforeAll(registerGradients);

const CLASSES = 3;
/** Half-width of a difference: small enough that no sign of an attack turns over. */
const H = 0.002;
const network = smoothNetwork(CLASSES);
const batch = batchOf(6, CLASSES);
const weights = numbers(parameterCount(network.parameters), 'weights');

/**
 * Every method with settings under which its inputs do not move with the weights, so that the slope of the loss is
 * its gradient: along signs, attacks end in corners.
 */
const cases: [string, object][] = [
  ['vanilla', {}],
  ['pag', { lambda: 0.5 }],
  ['pag, log-softmax', { method: 'pag', gradientOf: 'log-softmax' }],
  ['pgd-adversarial', { pgd: { norm: 'Linf', eps: 0.1 } }],
  ['fgsm-adversarial', {}],
  [
    'fgsm-adversarial, fast',
    { method: 'fgsm-adversarial', fgsm: { randomStart: true, relativeStep: 1.25, cleanShare: 0 } },
  ],
  ['gaussian-noise', {}],
  ['randomized-smoothing', {}],
  ['gradient-norm', { lambda: 3 }],
  ['smoothness', { lambda: 20 }],
  [
    'smoothness, gaussian',
    { method: 'smoothness', lambda: 20, smoothness: { kind: 'gaussian', sigma: 0.3 } },
  ],
  ['smoothness, ball', { method: 'smoothness', lambda: 20, smoothness: { kind: 'ball', radius: 1 } }],
];

const trainOf = (name: string, train: object) => ({ method: name.split(',')[0], ...train });

it('all methods are tried here', () => {
  expect(new Set(cases.map(([name]) => name.split(',')[0]))).toEqual(new Set(METHOD_NAMES));
});

/** Differences of the loss along random directions against the gradient by which the weights moved. */
function expectSlopes(setting: ReturnType<typeof settingOf>, at: Float32Array): void {
  const lossAt = (direction: Float32Array, h: number) =>
    step(
      setting,
      at.map((value, i) => value + h * direction[i]!),
      batch,
    ).loss;
  const { gradient } = step(setting, at, batch);
  for (const k of [1, 2, 3]) {
    const direction = numbers(at.length, 'direction', k);
    const slope = (lossAt(direction, H) - lossAt(direction, -H)) / (2 * H);
    const along = gradient.reduce((sum, value, i) => sum + value * direction[i]!, 0);
    expect(Math.abs(along - slope)).toBeLessThan(1e-3 * Math.max(1, Math.abs(slope)));
  }
}

describe.each(cases)('%s', (name, train) => {
  const setting = settingOf(trainOf(name, train), network, CLASSES);

  it('moves the weights along the slope of its loss', () => {
    expectSlopes(setting, weights);
  });

  it('does so under batch norm and dropout', () => {
    const norms = normNetwork(CLASSES);
    const values = numbers(parameterCount(norms.parameters), 'norm weights');
    expectSlopes(settingOf(trainOf(name, train), norms, CLASSES), values);
  });

  it('gives the same in micro-batches', () => {
    const parts = settingOf({ ...trainOf(name, train), microBatch: 4 }, network, CLASSES);
    const [whole, split] = [step(setting, weights, batch), step(parts, weights, batch)];
    expect(split.loss).toBeCloseTo(whole.loss, 5);
    split.gradient.forEach((value, i) => {
      expect(Math.abs(value - whole.gradient[i]!)).toBeLessThan(1e-5);
    });
  });

  it('leaves no tensors behind', () => {
    const before = tf.memory().numTensors;
    step(setting, weights, batch);
    expect(tf.memory().numTensors).toBe(before);
  });
});

it('a penalty of weight 0 is not computed', () => {
  for (const method of ['pag', 'gradient-norm', 'smoothness']) {
    const { figures } = step(settingOf({ method, lambda: 0 }, network, CLASSES), weights, batch);
    expect(figures).toMatchObject({ penalty: 0, compared: 0 });
  }
});

describe('keys', () => {
  const changed = {
    lambda: 2,
    lambdaSchedule: { kind: 'two-phase', zeroEpochs: 2 },
    targetsPerImage: 'all',
    targetsAtOnce: 2,
    gradientOf: 'log-softmax',
    pgd: { eps: '1/255' },
    fgsm: { eps: '1/255' },
    noise: { sigma: 0.5 },
    smoothness: { kind: 'gaussian' },
  };
  const keyOf = (train: object) => JSON.stringify(trainStage.configPart(configOf({ train })));

  it.each(METHOD_NAMES)('of %s change with the settings that it reads, and with no others', (method) => {
    const own: readonly string[] = METHOD_SETTINGS[method];
    expect(Object.keys(changed)).toEqual(expect.arrayContaining([...own]));
    for (const [name, value] of Object.entries(changed)) {
      const isSame = keyOf({ method, [name]: value }) === keyOf({ method });
      expect({ name, isSame }).toEqual({ name, isSame: !own.includes(name) });
    }
    expect(keyOf({ method, epochs: 99 })).not.toBe(keyOf({ method }));
  });

  it.each(METHOD_NAMES)('of %s cover all that its code looks up', (method) => {
    const read = new Set<string>();
    const { train } = configOf({ train: { method } });
    const watched = new Proxy(train, {
      get(settings, name) {
        read.add(String(name));
        return Reflect.get(settings, name) as unknown;
      },
    });
    makeMethod(watched);
    read.delete('method');
    expect(METHOD_SETTINGS[method]).toEqual(expect.arrayContaining([...read]));
  });
});
