import { describe, expect, test } from 'vitest';
import { inputsOf } from '../../schemas/dataset-facts.ts';

describe('what is known before the data are read', () => {
  test.each([
    [{ name: 'cifar100' }, { shape: [32, 32, 3], classes: 100 }],
    [
      { name: 'cifar100', labels: 'coarse' },
      { shape: [32, 32, 3], classes: 20 },
    ],
    [
      { name: 'cifar10', classes: ['cat', 'dog'] },
      { shape: [32, 32, 3], classes: 2 },
    ],
    [
      { name: 'imagenet', size: 64, groups: { a: ['x'], b: ['y'], c: ['z'] } },
      { shape: [64, 64, 3], classes: 3 },
    ],
    [
      { name: 'restricted-imagenet', size: 32, grayscale: true },
      { shape: [32, 32, 1], classes: 9 },
    ],
    [{ name: 'parquet', size: 8 }, { shape: [8, 8, 3] }],
    [{ name: 'numpy' }, {}],
    [{ name: 'mnist-distractor' }, { shape: [56, 28, 1], classes: 10 }],
    [{ name: 'toy' }, { shape: [2], classes: 2 }],
  ] as const)('%j', (config, expected) => {
    expect(inputsOf(config)).toEqual(expected);
  });
});
