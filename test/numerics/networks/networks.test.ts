import '../../support/engine.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { variantConfigSchema } from '../../../schemas/config.ts';
import { classifierSchema } from '../../../schemas/network-config.ts';
import { scoreNetworkEntrySchema } from '../../../schemas/score-network-sizes.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import type { ScorePass } from '../../../stages/numerics/networks/network.ts';
import { makeClassifier, makeScoreNetwork } from '../../../stages/numerics/networks/registry.ts';
import {
  initializeParameters,
  loadParameters,
  parameterCount,
} from '../../../stages/numerics/tensor/parameters.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';

beforeAll(registerGradients);

const cnn = classifierSchema.parse({ kind: 'cnn' });

describe('classifiers', () => {
  it('have as many parameters as their PyTorch twins', () => {
    const conv = (i: number, o: number) => 9 * i * o + o;
    const expected = conv(1, 32) + conv(32, 64) + conv(64, 64) + (1024 * 128 + 128) + (128 * 10 + 10);
    expect(parameterCount(makeClassifier(cnn, [16, 16, 1], 10).parameters)).toBe(expected);
    const mlp = makeClassifier({ kind: 'mlp', hidden: [64] }, [2], 2);
    expect(parameterCount(mlp.parameters)).toBe(2 * 64 + 64 + 64 * 2 + 2);
  });

  it('give logits that belong to each image alone, for a batch of one and of many', () => {
    const network = makeClassifier(cnn, [16, 16, 1], 10);
    const parameters = loadParameters(
      network.parameters,
      initializeParameters(network.parameters, randomStream(0)),
    );
    const images = randomStream(1).fillNormal(new Float32Array(3 * 256));
    const logits = (values: Float32Array, n: number) =>
      network.logits(parameters, tf.tensor(values, [n, 16, 16, 1])).dataSync();
    const many = logits(images, 3);
    const alone = logits(images.slice(256, 512), 1);
    alone.forEach((value, i) => {
      expect(value).toBeCloseTo(many[10 + i]!, 5);
    });
  });

  it('strided convolutions pad both sides alike: a mirrored image gives mirrored features', () => {
    const network = makeClassifier(
      classifierSchema.parse({
        kind: 'cnn',
        layers: [{ kind: 'conv', channels: 1, stride: 2 }, 'flatten', 'dense'],
      }),
      [5, 5, 1],
      2,
    );
    // One 3×3 kernel of ones, and classes that read the first and the last of 3 × 3 positions.
    const flat = new Float32Array(parameterCount(network.parameters));
    flat.fill(1, 0, 9);
    flat[10] = 1;
    flat[10 + 8 * 2 + 1] = 1;
    const parameters = loadParameters(network.parameters, flat);
    const [first, last] = network.logits(parameters, tf.ones([1, 5, 5, 1])).dataSync();
    expect([first, last]).toEqual([4, 4]);
  });
});

describe('score networks', () => {
  const config = variantConfigSchema.parse({ dataset: { name: 'usps' } }).score.network;

  it.each([
    { patch: 1, multipliers: [1, 2], attention: [] as number[] },
    { patch: 2, multipliers: [1, 2], attention: [4, 8] },
    { patch: 1, multipliers: [1, 1, 2], attention: [4] },
  ])(
    'U-Net $patch $multipliers: shape, and every parameter takes part',
    ({ patch, multipliers, attention }) => {
      const network = makeScoreNetwork(
        {
          ...(config as Extract<typeof config, { kind: 'unet' }>),
          channels: 8,
          patch,
          multipliers,
          attention,
        },
        [16, 16, 2],
        3,
      );
      // Layers that start at zero hide those before them, so every value is drawn at random here.
      const flat = randomStream(0).fillNormal(new Float32Array(parameterCount(network.parameters)));
      const values = loadParameters(
        network.parameters,
        flat.map((value) => 0.3 * value),
      );
      const x = tf.tensor(randomStream(1).fillNormal(new Float32Array(2 * 512)), [2, 16, 16, 2]);
      const oneHot = tf.tensor2d([
        [0, 1, 0],
        [0, 0, 0],
      ]);
      const f = (...tensors: tf.Tensor[]) => {
        const named = Object.fromEntries(network.parameters.map((spec, i) => [spec.name, tensors[i]!]));
        const out = network.forward(named, x, tf.tensor1d([-0.5, 0.7]), oneHot);
        expect(out.shape).toEqual([2, 16, 16, 2]);
        return tf.sum(tf.square(out)) as tf.Scalar;
      };
      const { grads } = tf.valueAndGrads(f)(network.parameters.map((spec) => values[spec.name]!));
      // A shift that GroupNorm with one channel to a group removes again may have no influence.
      const idle = network.parameters.filter((_, i) => grads[i]!.dataSync().every((value) => value === 0));
      expect(idle.map((spec) => spec.name)).toEqual([]);
    },
  );

  it.each([
    { size: 'toy', shape: [2], parameters: 36_000 },
    { size: 'small', shape: [16, 16, 1], parameters: 2_400_000 },
    { size: 'small', shape: [28, 28, 1], parameters: 2_500_000 },
    { size: 'large', shape: [32, 32, 3], parameters: 24_600_000 },
  ])('of size $size takes inputs of $shape', ({ size, shape, parameters }) => {
    const network = makeScoreNetwork(scoreNetworkEntrySchema.parse(size), shape, 2);
    const count = parameterCount(network.parameters);
    expect(Math.abs(count / parameters - 1)).toBeLessThan(0.03);
    const values = loadParameters(network.parameters, new Float32Array(count).fill(0.01));
    const out = network.forward(values, tf.ones([1, ...shape]), tf.tensor1d([0.1]), tf.tensor2d([[0, 1]]));
    expect(out.shape).toEqual([1, ...shape]);
    tf.dispose(values);
  });

  it('U-Net: dropout is for training alone, and labels of augmentations are heard', () => {
    const settings = { channels: 8, groups: 2, dropout: 0.5, augmentations: 3 };
    const network = makeScoreNetwork(
      scoreNetworkEntrySchema.parse({ kind: 'unet', ...settings }),
      [4, 4, 1],
      2,
    );
    const flat = randomStream(0).fillNormal(new Float32Array(parameterCount(network.parameters)));
    const values = loadParameters(network.parameters, flat);
    const out = (pass?: ScorePass) =>
      network
        .forward(values, tf.ones([1, 4, 4, 1]), tf.tensor1d([0.1]), tf.tensor2d([[0, 1]]), pass)
        .dataSync()[0]!;
    const keepAll = (shape: readonly number[]) => tf.ones([...shape]);
    const alone = out();
    expect(out({ dropoutMask: keepAll })).toBe(alone);
    expect(out({ dropoutMask: (shape) => tf.zeros([...shape]) })).not.toBe(alone);
    const rates: number[] = [];
    out({
      dropoutMask(shape, rate) {
        rates.push(rate);
        return keepAll(shape);
      },
    });
    // Five blocks: two on the way down, one in the middle, two on the way up.
    expect(rates).toEqual([0.5, 0.5, 0.5, 0.5, 0.5]);
    const told = out({ dropoutMask: keepAll, augmentation: tf.tensor2d([[1, 0, 0]]) });
    expect(told).not.toBe(alone);
  });

  it('a U-Net takes images that are not square: with its kernels transposed, the transposed image gives the transposed output', () => {
    const config = scoreNetworkEntrySchema.parse({ kind: 'unet', channels: 8, attention: [4, 6] });
    const run = (height: number, width: number, isTransposed: boolean) => {
      const network = makeScoreNetwork(config, [height, width, 1], 2);
      const flat = randomStream(0).fillNormal(new Float32Array(parameterCount(network.parameters)));
      const values = loadParameters(
        network.parameters,
        flat.map((value) => 0.3 * value),
      );
      const turn = (tensor: tf.Tensor, order: number[]) =>
        isTransposed ? tf.transpose(tensor, order) : tensor;
      const kernels = Object.entries(values).map(([name, value]) => [
        name,
        value.rank === 4 ? turn(value, [1, 0, 2, 3]) : value,
      ]);
      const x = tf.tensor(randomStream(1).fillNormal(new Float32Array(8 * 12)), [1, 8, 12, 1]);
      const out = network.forward(
        Object.fromEntries(kernels),
        turn(x, [0, 2, 1, 3]),
        tf.tensor1d([0.3]),
        tf.tensor2d([[0, 1]]),
      );
      expect(out.shape).toEqual([1, height, width, 1]);
      return turn(out, [0, 2, 1, 3]).dataSync();
    };
    const [wide, high] = [run(8, 12, false), run(12, 8, true)];
    wide.forEach((value, i) => {
      expect(high[i]).toBeCloseTo(value, 4);
    });
  });

  it('the class changes the output, and a row of zeros is the unconditional one', () => {
    const network = makeScoreNetwork({ kind: 'mlp', hidden: [16] }, [2], 2);
    const values = loadParameters(
      network.parameters,
      initializeParameters(network.parameters, randomStream(0)),
    );
    const out = network.forward(
      values,
      tf.tensor2d([
        [1, 2],
        [1, 2],
        [1, 2],
      ]),
      tf.tensor1d([0.1, 0.1, 0.1]),
      tf.tensor2d([
        [1, 0],
        [0, 1],
        [0, 0],
      ]),
    );
    const rows = out.arraySync() as number[][];
    expect(rows[0]).not.toEqual(rows[1]);
    expect(rows[0]).not.toEqual(rows[2]);
  });
});
