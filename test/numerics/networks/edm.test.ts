/** The score networks published with EDM, against tensors that their own code made with PyTorch. */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { scoreNetworkSchema } from '../../../schemas/network-config.ts';
import { denoise } from '../../../stages/numerics/diffusion/denoise.ts';
import { edm } from '../../../stages/numerics/diffusion/preconditioning/edm.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { makeScoreNetwork } from '../../../stages/numerics/networks/registry.ts';
import { parameterCount } from '../../../stages/numerics/tensor/parameters.ts';
import { tf } from '../../support/engine.ts';
import { derivativeErrors, direction, relativeError } from '../../support/hessian-vector.ts';
import { images, plain, type TorchTensors, valuesOf } from '../../support/torch-tensors.ts';
import { goldenMissing, oneHot, readGolden, readGroups } from './golden.ts';

/** Of each tensor, relative: float32 rounding, which a score difference shows most. */
const TOLERANCE = 1e-5;
const SIGMA_DATA = 0.5;

/** Without the prefix of the wrapper. */
const withoutPrefix = (tensors: TorchTensors) =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name.replace(/^model\./, ''), t]));

/** The network with the weights of a file, which holds nothing else. */
function load(settings: object, shape: number[], classes: number, w: TorchTensors) {
  const network = makeScoreNetwork(scoreNetworkSchema.parse(settings), shape, classes);
  const tensors = withoutPrefix(w);
  const derived = network.derived ?? [];
  const names = [...network.parameters, ...derived].map(({ name }) => name);
  expect(names.sort()).toEqual(Object.keys(tensors).sort());
  for (const { name, shape: sides, data } of derived) {
    expect([name, tensors[name]!.shape, tensors[name]!.data]).toEqual([name, sides, data]);
  }
  return { network, values: valuesOf(network.parameters, tensors) };
}

/** What the network sees: x in units of its own deviation, and ln(σ) / 4. */
function seen({ x, sigma }: TorchTensors) {
  const column = tf.reshape(plain(sigma!), [-1, 1, 1, 1]);
  return {
    inside: tf.div(images(x!), tf.sqrt(tf.add(tf.square(column), SIGMA_DATA ** 2))),
    noise: tf.div(tf.log(plain(sigma!)), 4) as tf.Tensor1D,
    column,
  };
}

const worst = (found: Record<string, tf.Tensor>, expected: TorchTensors) => {
  expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
  const errors = Object.entries(found).map(([key, t]) => relativeError([t], [images(expected[key]!)]));
  return Math.max(...errors);
};

beforeAll(registerGradients);

describe.skipIf(goldenMissing)('golden', () => {
  it.each([
    ['ddpmpp', { kind: 'song-unet', channels: 16, multipliers: [1, 2, 2], blocks: 2, augmentations: 9 }],
    ['adm', { kind: 'dhariwal-unet', channels: 16, multipliers: [1, 2, 2], blocks: 1, attention: [16, 8] }],
  ])('%s: raw output, denoised images, scores and their difference', async (name, settings) => {
    const { w, in: inputs, out } = await readGolden(`edm_${name}`);
    const { network, values } = load(settings, [32, 32, 3], 10, w!);
    const { inside, noise, column } = seen(inputs!);
    const x = images(inputs!.x!);
    const sigma = plain(inputs!.sigma!).dataSync() as Float32Array;
    const classes = oneHot(plain(inputs!.class!));
    const preconditioning = edm({ kind: 'edm', sigmaData: SIGMA_DATA });
    const D = (asked: tf.Tensor2D) =>
      denoise({ network, parameters: values, preconditioning }, x, sigma, asked);
    const score = (denoised: tf.Tensor) => tf.div(tf.sub(denoised, x), tf.square(column));
    const [conditional, unconditional] = [D(classes), D(tf.zerosLike(classes))];
    const found = {
      F: network.forward(values, inside, noise, classes),
      D_cond: conditional,
      D_uncond: unconditional,
      score_cond: score(conditional),
      score_uncond: score(unconditional),
      sbg: tf.div(tf.sub(conditional, unconditional), tf.square(column)),
    };
    expect(worst(found, out!)).toBeLessThan(TOLERANCE);
  });
});

const ncsnpp = {
  kind: 'song-unet',
  embedding: 'fourier',
  noiseMultiplier: 2,
  filter: [1, 3, 3, 1],
  blocks: 1,
};
const adm = { kind: 'dhariwal-unet', blocks: 1 };
const small = {
  ncsnpp: {
    ...ncsnpp,
    encoder: 'residual',
    multipliers: [1, 2, 1],
    channels: 8,
    attention: [8],
    augmentations: 9,
  },
  skip: {
    ...ncsnpp,
    ...{ encoder: 'skip', decoder: 'skip', multipliers: [2, 1, 1], channels: 4, attention: [4] },
  },
  'adm-heads': {
    ...adm,
    channels: 4,
    multipliers: [2, 3],
    attention: [8, 4],
    augmentations: 2,
    headChannels: 4,
  },
};
const names = Object.keys(small) as (keyof typeof small)[];

describe('networks that test/fixtures/torch/make_edm.py ran', () => {
  const read = async (name: keyof typeof small) => {
    const path = fileURLToPath(new URL(`../../fixtures/torch/edm-${name}.safetensors`, import.meta.url));
    const { w, in: inputs, out } = await readGroups(path);
    const [batch, colors, side] = inputs!.x!.shape as [number, number, number];
    const asked = inputs!.one_hot;
    const classes = asked?.shape[1] ?? 0;
    // A network that knows no classes is asked like any other.
    const none = tf.zeros([batch, Math.max(classes, 2)]) as tf.Tensor2D;
    const told = asked === undefined ? none : (plain(asked) as tf.Tensor2D);
    const oneHots = { F: told, F_uncond: none, F_augmented: told };
    const augmentation = inputs!.augmentation && (plain(inputs!.augmentation) as tf.Tensor2D);
    return {
      ...load(small[name], [side, side, colors], classes, w!),
      ...seen(inputs!),
      oneHots,
      augmentation,
      out: out!,
    };
  };

  it.each(names)('%s: raw output with and without class, and augmented', async (name) => {
    const { network, values, inside, noise, oneHots, augmentation, out } = await read(name);
    const pass = (key: string) =>
      key === 'F_augmented'
        ? { augmentation: augmentation!, dropoutMask: (shape: readonly number[]) => tf.ones([...shape]) }
        : undefined;
    const found = Object.keys(out).map((key) => [
      key,
      network.forward(values, inside, noise, oneHots[key as keyof typeof oneHots], pass(key)),
    ]);
    expect(worst(Object.fromEntries(found), out)).toBeLessThan(TOLERANCE);
  });

  it.each(names)('%s: dropout in each block', async (name) => {
    const { network, values, inside, noise, oneHots } = await read(name);
    const shapes: number[][] = [];
    const dropoutMask = (shape: readonly number[], rate: number) => {
      expect(rate).toBe(0.1);
      shapes.push([...shape]);
      return tf.zeros([...shape]);
    };
    network.forward(values, inside, noise, oneHots.F, { dropoutMask });
    const weights = network.parameters.filter(({ name: parameter }) => /conv1.weight$/.test(parameter));
    expect(shapes.map((shape) => shape[3])).toEqual(weights.map(({ shape }) => shape[2]));
  });

  it.each(names)('%s: its derivative by the image is that of differences', async (name) => {
    const { network, values, inside, noise, oneHots } = await read(name);
    const towards = direction(inside.shape, 'towards');
    const f = ([x]: tf.Tensor[]) =>
      tf.mean(tf.mul(network.forward(values, x!, noise, oneHots.F), towards)) as tf.Scalar;
    expect(Math.max(...derivativeErrors(f, [inside], 1))).toBeLessThan(2e-3);
  });

  it.each(names)('%s: every parameter that training can move takes part', async (name) => {
    const { network, values, inside, noise, oneHots } = await read(name);
    const { parameters } = network;
    const f = (...tensors: tf.Tensor[]) => {
      const named = Object.fromEntries(parameters.map((spec, i) => [spec.name, tensors[i]!]));
      return tf.sum(tf.square(network.forward(named, inside, noise, oneHots.F))) as tf.Scalar;
    };
    const { grads } = tf.valueAndGrads(f)(parameters.map((spec) => values[spec.name]!));
    const idle = parameters.filter((_, i) => grads[i]!.dataSync().every((value) => value === 0));
    const fixed = ['map_augment.weight', 'map_noise.freqs'];
    expect(idle.map((spec) => spec.name)).toEqual(
      parameters.map((spec) => spec.name).filter((each) => fixed.includes(each)),
    );
  });
});

describe('sizes', () => {
  it.each([
    ['CIFAR-10, DDPM++', { kind: 'song-unet', augmentations: 9 }, [32, 32, 3], 10, 55_735_299],
    [
      'CIFAR-10, NCSN++',
      {
        kind: 'song-unet',
        embedding: 'fourier',
        noiseMultiplier: 2,
        encoder: 'residual',
        filter: [1, 3, 3, 1],
        augmentations: 9,
      },
      [32, 32, 3],
      10,
      56_400_643 + 128,
    ],
    ['ImageNet-64, ADM', { kind: 'dhariwal-unet' }, [64, 64, 3], 1000, 295_899_267],
  ])('%s', (_, settings, shape, classes, count) => {
    const network = makeScoreNetwork(scoreNetworkSchema.parse(settings), shape, classes);
    expect(parameterCount(network.parameters)).toBe(count);
  });

  it.each([
    [
      { kind: 'song-unet' },
      [30, 30, 3],
      'score.network.multipliers so few resolutions that a side of 30 pixels can be halved between them, found 3',
    ],
    [
      { kind: 'unet', patch: 2 },
      [14, 14, 3],
      'score.network.multipliers so few resolutions that a side of 14 pixels in patches of 2 pixels can be halved between them, found 2',
    ],
    [
      { kind: 'song-unet' },
      [32, 16, 3],
      'score.network.kind unet or mlp, because images of 32 × 16 are not square, found song-unet',
    ],
    [
      { kind: 'dhariwal-unet' },
      [2],
      'score.network.kind mlp, because the data are points, found dhariwal-unet',
    ],
    [
      { kind: 'song-unet', channels: 36 },
      [32, 32, 3],
      'score.network.channels such a width that 32 groups divide 144 channels, found 36',
    ],
    [
      { kind: 'dhariwal-unet', headChannels: 80 },
      [32, 32, 3],
      'score.network.headChannels such a width that 7 heads divide 576 channels, found 80',
    ],
  ])('refuses %j for %j', (settings, shape, message) => {
    const make = () => makeScoreNetwork(scoreNetworkSchema.parse(settings), shape, 10);
    expect(make).toThrow(`Expected at ${message}; correct this setting.`);
  });
});
