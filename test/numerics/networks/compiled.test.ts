import { beforeAll, describe, expect, it } from 'vitest';
import { scoreNetworkSchema } from '../../../schemas/network-config.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { compiled } from '../../../stages/numerics/networks/compiled.ts';
import { makeScoreNetwork } from '../../../stages/numerics/networks/registry.ts';
import { recordGraph } from '../../../stages/numerics/tensor/graph.ts';
import { loadParameters, parameterCount } from '../../../stages/numerics/tensor/parameters.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { tf } from '../../support/engine.ts';
import { direction, relativeError } from '../../support/hessian-vector.ts';

/** Relative: float32 rounding. */
const TOLERANCE = 5e-6;

beforeAll(registerGradients);

/** A network with weights drawn at random, none of them zero, and inputs of so many images. */
function make(settings: object, shape: number[], classes = 3) {
  const network = makeScoreNetwork(scoreNetworkSchema.parse(settings), shape, classes);
  const drawn = randomStream(0).fillNormal(new Float32Array(parameterCount(network.parameters)));
  const values = loadParameters(
    network.parameters,
    drawn.map((value) => 0.2 * value),
  );
  const inputs = (batch: number, seed: number) => {
    const noise = direction([batch], 'noise', seed) as tf.Tensor1D;
    const oneHot = tf.oneHot(tf.range(0, batch, 1, 'int32'), 3) as tf.Tensor2D;
    return [direction([batch, ...shape], 'x', seed), noise, tf.cast(oneHot, 'float32')] as const;
  };
  return { network, values, inputs, fast: compiled(network, values) };
}

/** f(x) as training computes it. */
function underTape(f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor): tf.Tensor {
  let y!: tf.Tensor;
  tf.grad((image) => {
    y = tf.keep(f(image));
    return y;
  })(x);
  return y;
}

const song = { kind: 'song-unet', channels: 8, multipliers: [1, 2], blocks: 1, attention: [4] };

describe('a compiled network', () => {
  it.each([
    ['mlp', { kind: 'mlp', hidden: [16] }, [2], 3],
    ['unet', { kind: 'unet', channels: 8, patch: 2, attention: [4] }, [16, 16, 2], 3],
    ['DDPM++', { ...song, augmentations: 9 }, [8, 8, 3], 3],
    ['NCSN++', { ...song, embedding: 'fourier', encoder: 'residual', filter: [1, 3, 3, 1] }, [8, 8, 3], 3],
    ['ADM', { ...song, kind: 'dhariwal-unet', headChannels: 8 }, [8, 8, 3], 3],
    ['DDPM++ without classes', song, [8, 8, 3], 0],
  ])('gives what the network gives, whatever it was recorded with: %s', (_, settings, shape, classes) => {
    const { network, values, inputs, fast } = make(settings, shape, classes);
    for (const [batch, seed] of [
      [3, 1],
      [3, 2],
      [1, 3],
    ] as const) {
      const given = inputs(batch, seed);
      const found = fast.forward(values, ...given);
      const expected = underTape((x) => network.forward(values, x, given[1], given[2]), given[0]);
      expect(found.shape).toEqual(expected.shape);
      expect(relativeError([found], [expected])).toBeLessThan(TOLERANCE);
    }
  });

  it.each([
    ['mlp', { kind: 'mlp', hidden: [16] }, [2], 3],
    ['unet', { kind: 'unet', channels: 8, patch: 2, attention: [4], augmentations: 2 }, [16, 16, 2], 3],
    ['NCSN++', { ...song, embedding: 'fourier', encoder: 'skip', augmentations: 9 }, [8, 8, 3], 3],
    ['ADM', { ...song, kind: 'dhariwal-unet', headChannels: 8 }, [8, 8, 3], 3],
  ])('computes what comes before the class once for each image: %s', (_, settings, shape, classes) => {
    const { network, values, inputs, fast } = make(settings, shape, classes);
    const [x, noise] = inputs(2, 1);
    const [, , oneHot] = inputs(5, 2);
    const places = tf.tensor1d([1, 0, 0, 1, 1], 'int32');
    const expected = network.forward(values, tf.gather(x, places), tf.gather(noise, places), oneHot);
    for (const one of [network, fast]) {
      const found = one.forward(values, x, noise, oneHot, undefined, places);
      expect(found.shape).toEqual(expected.shape);
      expect(relativeError([found], [expected])).toBeLessThan(TOLERANCE);
    }
  });

  it('gives the same to the last bit, whichever inputs it was recorded with', () => {
    const { values, inputs, fast, network } = make(song, [8, 8, 3]);
    const other = compiled(network, values);
    other.forward(values, ...inputs(3, 1));
    const given = inputs(3, 2);
    const [first, second] = [fast, other].map((one) => one.forward(values, ...given).dataSync());
    expect(first).toEqual(second);
  });

  it('keeps nothing but its result, and a few graphs', () => {
    const { values, inputs, fast } = make(song, [8, 8, 3]);
    for (const batch of [1, 2, 3, 4, 5, 6, 1]) {
      const given = inputs(batch, 1);
      const before = tf.memory().numTensors;
      fast.forward(values, ...given);
      expect(tf.memory().numTensors).toBe(before + 1);
    }
    const { binding } = tf.backend() as unknown as { binding: { getNumOfSavedModels(): number } };
    const held = binding.getNumOfSavedModels();
    fast.forward(values, ...inputs(7, 1));
    expect(binding.getNumOfSavedModels()).toBe(held);
  });

  it('is the network itself under a tape, in training and with other parameters', () => {
    const { network, values, inputs, fast } = make(song, [8, 8, 3]);
    const [x, noise, oneHot] = inputs(2, 1);
    const slope = (one: typeof network) =>
      tf.grad((image) => tf.sum(tf.square(one.forward(values, image, noise, oneHot))))(x);
    expect(relativeError([slope(fast)], [slope(network)])).toBe(0);
    const dropoutMask = (sides: readonly number[]) => tf.fill([...sides], 2);
    const trained = [fast, network].map((one) => one.forward(values, x, noise, oneHot, { dropoutMask }));
    expect(relativeError([trained[0]!], [trained[1]!])).toBe(0);
    const doubled = Object.fromEntries(Object.entries(values).map(([key, t]) => [key, tf.mul(t, 2)]));
    const [found, expected] = [fast, network].map((one) => one.forward(doubled, x, noise, oneHot));
    expect(relativeError([found!], [expected!])).toBe(0);
  });
});

describe('a graph', () => {
  it('holds attributes and constants of every type', () => {
    const x = direction([2, 3, 4, 2], 'x');
    const chosen = tf.tensor1d([1, 0, 0], 'int32');
    const mask = tf.tensor([true, false], [2], 'bool');
    const f = (image: tf.Tensor) => {
      const [left, right] = tf.split(tf.gather(image, chosen, 1), 2, 2);
      const pooled = tf.maxPool(
        tf.pad(right!, [
          [0, 0],
          [1, 1],
          [0, 1],
          [0, 0],
        ]) as tf.Tensor4D,
        2,
        1,
        'same',
      );
      const elu = tf.leakyRelu(tf.slice(pooled, [0, 1, 0, 0], left!.shape), 0.3);
      return tf.where(mask, tf.cumsum(elu, 2), tf.expandDims(tf.cast(tf.argMax(left!, 3), 'float32'), 3));
    };
    const expected = f(x);
    const graph = recordGraph(f, [x]);
    expect(graph.run(x).arraySync()).toEqual(expected.arraySync());
    graph.dispose();
    expect(() => graph.run(x)).toThrow('SavedModel ID not found');
  });
});
