/** What holds for classifiers whatever their weights: sizes, start, dropout, and what they refuse. */
import '../../support/engine.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { PipelineError } from '../../../schemas/errors.ts';
import { classifierSchema } from '../../../schemas/network-config.ts';
import { sizeOf } from '../../../schemas/shape.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import type { Classifier, TrainingPass } from '../../../stages/numerics/networks/network.ts';
import { makeClassifier } from '../../../stages/numerics/networks/registry.ts';
import {
  initializeParameters,
  loadParameters,
  parameterCount,
} from '../../../stages/numerics/tensor/parameters.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';

beforeAll(registerGradients);

const make = (settings: object, shape: number[], classes = 10) =>
  makeClassifier(classifierSchema.parse(settings), shape, classes);

const CIFAR = [32, 32, 3];
const IMAGENET = [224, 224, 3];
const BASE = { width: 768, heads: 12, mlp: 3072 };

describe('the number of parameters', () => {
  // As `python test/fixtures/torch/make.py --counts` prints them.
  it.each([
    ['ResNet-18 for CIFAR-10', { kind: 'resnet18' }, CIFAR, 10, 11_173_962],
    ['WRN-28-10', { kind: 'wide-resnet' }, CIFAR, 10, 36_479_194],
    ['ResNet-50', { kind: 'resnet50' }, IMAGENET, 1000, 25_557_032],
    ['ViT-Ti/16', { kind: 'vit', patch: 16 }, IMAGENET, 1000, 5_717_416],
    ['ViT-B/16', { kind: 'vit', patch: 16, ...BASE }, IMAGENET, 1000, 86_567_656],
  ])('of %s is that of its original', (_name, settings, shape, classes, count) => {
    expect(parameterCount(make(settings, shape, classes).parameters)).toBe(count);
  });
});

/** The values that each parameter starts with. */
function startOf({ parameters }: Classifier): Map<string, Float32Array> {
  const flat = initializeParameters(parameters, randomStream(0));
  const starts = new Map<string, Float32Array>();
  let offset = 0;
  for (const { name, shape } of parameters) {
    starts.set(name, flat.subarray(offset, offset + sizeOf(shape)));
    offset += sizeOf(shape);
  }
  return starts;
}

function expectUniform(values: Float32Array, bound: number): void {
  expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(bound);
  expectDeviation(values, bound / Math.sqrt(3));
}

/** Within five standard errors of a normal sample. */
function expectDeviation(values: Float32Array, expected: number): void {
  const squares = values.reduce((sum, value) => sum + value ** 2, 0);
  const found = Math.sqrt(squares / values.length);
  expect(Math.abs(found / expected - 1)).toBeLessThan(5 / Math.sqrt(2 * values.length));
}

describe('the start', () => {
  it("of ResNet-18 and CNN is PyTorch's default, also that of biases", () => {
    const resnet = startOf(make({ kind: 'resnet18', widths: [8, 16, 32, 64] }, CIFAR));
    expectUniform(resnet.get('conv1.weight')!, 1 / Math.sqrt(27));
    expectUniform(resnet.get('layer3.0.shortcut.0.weight')!, 1 / Math.sqrt(16));
    expectUniform(resnet.get('linear.weight')!, 1 / Math.sqrt(64));
    expectUniform(resnet.get('linear.bias')!, 1 / Math.sqrt(64));
    const cnn = startOf(make({ kind: 'cnn' }, [16, 16, 1]));
    expectUniform(cnn.get('conv2.weight')!, 1 / Math.sqrt(9 * 32));
    expectUniform(cnn.get('conv2.bias')!, 1 / Math.sqrt(9 * 32));
  });

  it('of Wide ResNet and ResNet-50 is normal by the fan out, and the dense layer their own', () => {
    const wide = startOf(make({ kind: 'wide-resnet', depth: 10, widen: 1 }, CIFAR));
    expectDeviation(wide.get('conv1.weight')!, Math.sqrt(2 / (9 * 16)));
    expectDeviation(wide.get('block2.layer.0.convShortcut.weight')!, Math.sqrt(2 / 32));
    expectUniform(wide.get('fc.weight')!, 1 / 8);
    expect(wide.get('fc.bias')!.every((value) => value === 0)).toBe(true);
    const deep = startOf(make({ kind: 'resnet50', width: 8 }, [64, 64, 3]));
    expectDeviation(deep.get('conv1.weight')!, Math.sqrt(2 / (49 * 8)));
    expectDeviation(deep.get('layer2.0.downsample.0.weight')!, Math.sqrt(2 / 64));
    expectUniform(deep.get('fc.bias')!, 1 / 16);
  });

  it('of ViT is normal with deviation 0.02, and zero for biases', () => {
    const network = make({ kind: 'vit', width: 48, heads: 3, mlp: 96, depth: 2 }, CIFAR);
    for (const [name, values] of startOf(network)) {
      if (/norm/.test(name)) continue;
      if (name.endsWith('.bias')) expect(values.every((value) => value === 0)).toBe(true);
      else expectDeviation(values, 0.02);
    }
  });

  it('of every norm is the identity', () => {
    const network = make({ kind: 'resnet50', width: 2 }, [32, 32, 3]);
    const norms = startOf({ ...network, parameters: [...network.parameters, ...network.buffers] });
    for (const [name, values] of norms) {
      const expected = /(bn\d|downsample\.1)\.(weight|running_var)$/.test(name)
        ? 1
        : /(bn\d|downsample\.1)\.(bias|running_mean)$/.test(name)
          ? 0
          : null;
      if (expected !== null) expect(new Set(values)).toEqual(new Set([expected]));
    }
  });
});

describe('dropout', () => {
  /** Runs a pass whose masks are all `scale`, and collects what masks were asked for. */
  function pass(scale: number) {
    const asked: { shape: readonly number[]; rate: number }[] = [];
    const training: TrainingPass = {
      statistics: new Map(),
      dropoutMask(shape, rate) {
        asked.push({ shape, rate });
        return tf.fill([...shape], scale);
      },
    };
    return { asked, training };
  }

  it.each<[object, (readonly number[])[]]>([
    [
      { kind: 'vit', width: 8, heads: 2, mlp: 12, depth: 2, dropout: 0.1 },
      [
        [2, 65, 8],
        [2, 65, 8],
        [2, 65, 12],
        [2, 65, 8],
        [2, 1, 8],
        [2, 1, 12],
        [2, 1, 8],
      ],
    ],
    [
      { kind: 'wide-resnet', depth: 10, widen: 0.25, dropout: 0.1 },
      [
        [2, 32, 32, 4],
        [2, 16, 16, 8],
        [2, 8, 8, 16],
      ],
    ],
    [
      {
        kind: 'cnn',
        layers: ['flatten', { kind: 'dense', units: 4 }, { kind: 'dropout', rate: 0.1 }, 'dense'],
      },
      [[2, 4]],
    ],
  ])('of %j is at work where its paper has it, and in training alone', (settings, shapes) => {
    const network = make(settings, CIFAR);
    const layout = [...network.parameters, ...network.buffers];
    const values = loadParameters(layout, initializeParameters(layout, randomStream(0)));
    const x = tf.tensor(randomStream(1).fillNormal(new Float32Array(2 * 3072)), [2, ...CIFAR]);
    const [kept, dropped] = [pass(1), pass(0)];
    const ofKept = network.logits(values, x, kept.training).dataSync();
    expect(kept.asked).toEqual(shapes.map((shape) => ({ shape, rate: 0.1 })));
    expect(network.logits(values, x, dropped.training).dataSync()).not.toEqual(ofKept);
    // Batch norms aside, evaluation is a pass that keeps everything.
    if (network.buffers.length > 0) return;
    network
      .logits(values, x)
      .dataSync()
      .forEach((value, i) => {
        expect(value).toBeCloseTo(ofKept[i]!, 5);
      });
  });
});

describe('a network that does not fit its inputs', () => {
  const conv = { kind: 'conv', channels: 4, padding: 0 };
  it.each<[object, number[], string]>([
    [{ kind: 'resnet18' }, [2], 'train.network.kind mlp, because the data are points, found resnet18'],
    [
      { kind: 'vit', patch: 5 },
      [28, 30, 1],
      "train.network.patch a divisor of the images' sides, 28 and 30, found 5",
    ],
    [{ kind: 'vit', heads: 5 }, CIFAR, 'train.network.heads a divisor of the width, 192, found 5'],
    [
      { kind: 'cnn', layers: ['flatten', conv, 'dense'] },
      CIFAR,
      'train.network.layers[1] an image in front of conv, found [3072]',
    ],
    [
      { kind: 'cnn', layers: [{ ...conv, kernel: 7, padding: 1 }, 'flatten', 'dense'] },
      [4, 9, 1],
      'train.network.layers[0] an image of at least 5 × 5 in front of conv, found [4, 9, 1]',
    ],
    [
      { kind: 'cnn', layers: [{ kind: 'max-pool', size: 3 }, 'flatten', 'dense'] },
      [4, 2, 1],
      'train.network.layers[0] an image of at least 3 × 3 in front of max-pool, found [4, 2, 1]',
    ],
    [
      { kind: 'cnn', layers: ['global-avg-pool', 'global-avg-pool', 'dense'] },
      CIFAR,
      'train.network.layers[1] an image in front of global-avg-pool, found [3]',
    ],
    [
      { kind: 'cnn', layers: [{ kind: 'group-norm', groups: 2 }, 'flatten', 'dense'] },
      CIFAR,
      'train.network.layers[0] an image whose channels are a multiple of 2 in front of group-norm, found [32, 32, 3]',
    ],
    [
      { kind: 'cnn', layers: ['layer-norm', 'flatten', 'dense'] },
      CIFAR,
      'train.network.layers[0] a vector (as flatten gives) in front of layer-norm, found [32, 32, 3]',
    ],
    [
      { kind: 'cnn', layers: ['relu', 'dense'] },
      CIFAR,
      'train.network.layers[1] a vector (as flatten and global-avg-pool give) in front of dense, found [32, 32, 3]',
    ],
    [
      { kind: 'cnn', layers: ['flatten', { kind: 'dense', units: 7 }] },
      CIFAR,
      'train.network.layers[1] one value, [10], for each class behind the last layer, which dense without units makes, found [7]',
    ],
    [
      {
        kind: 'cnn',
        layers: ['flatten', { kind: 'dense', name: 'fc3' }, { kind: 'dense', name: 'a' }, 'dense', 'dense'],
      },
      CIFAR,
      'train.network.layers[3].name a name of its own, found fc3',
    ],
  ])('is refused: %j', (settings, shape, problem) => {
    const expected = new PipelineError('CONFIG_INVALID', `Expected at ${problem}; correct this setting.`);
    expect(() => make(settings, shape)).toThrow(expected);
  });

  it('may end in any layer that gives one value per class', () => {
    const layers = [{ kind: 'conv', channels: 10 }, 'global-avg-pool'];
    const network = make({ kind: 'cnn', layers }, CIFAR);
    const values = loadParameters(
      network.parameters,
      initializeParameters(network.parameters, randomStream(0)),
    );
    expect(network.logits(values, tf.zeros([2, ...CIFAR])).shape).toEqual([2, 10]);
  });
});
