/** Networks that have no golden file, against figures that test/fixtures/torch/make.py made with PyTorch. */
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { classifierSchema } from '../../../schemas/network-config.ts';
import { lossGradients } from '../../../stages/numerics/gradients/loss-gradients.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { crossEntropy } from '../../../stages/numerics/losses/cross-entropy.ts';
import { makeClassifier } from '../../../stages/numerics/networks/registry.ts';
import { tf } from '../../support/engine.ts';
import { relativeError } from '../../support/hessian-vector.ts';
import { images, plain, valuesOf } from '../../support/torch-tensors.ts';
import {
  compute,
  errorsOf,
  oneHot,
  parameterErrors,
  readGroups,
  statisticErrors,
  trainingPass,
} from './golden.ts';

/** Of each tensor, relative. */
const TOLERANCE = 1e-4;

const everyLayer = [
  { kind: 'conv', channels: 6, kernel: 4, stride: 2, padding: 1 },
  'batch-norm',
  { kind: 'leaky-relu', slope: 0.2 },
  { kind: 'conv', channels: 8 },
  { kind: 'group-norm', groups: 2 },
  'silu',
  { kind: 'max-pool', size: 2, stride: 1 },
  { kind: 'conv', channels: 6, kernel: 2, padding: 0 },
  'elu',
  { kind: 'avg-pool', size: 2, stride: 1 },
  { kind: 'conv', channels: 4, stride: 2, padding: 2, bias: false },
  'gelu',
  { kind: 'dropout', rate: 0 },
  'flatten',
  'batch-norm',
  'layer-norm',
  'softplus',
  { kind: 'dense', units: 12 },
  'layer-norm',
  'gelu-tanh',
  { kind: 'dense', units: 9, bias: false },
  'batch-norm',
  'tanh',
  { kind: 'dense', units: 8 },
  'sigmoid',
  'dense',
];

const pooled = [
  { kind: 'conv', channels: 5, kernel: 5, padding: 0 },
  'batch-norm',
  'relu',
  'avg-pool',
  { kind: 'conv', channels: 6, stride: 2 },
  { kind: 'group-norm', groups: 3 },
  'elu',
  'global-avg-pool',
  { kind: 'dense', units: 7, name: 'hidden' },
  'tanh',
  'dense',
];

beforeAll(registerGradients);

describe.each([
  ['wide-resnet', { kind: 'wide-resnet', depth: 16, widen: 0.25 }],
  ['resnet50', { kind: 'resnet50', width: 2 }],
  ['cnn-every-layer', { kind: 'cnn', naming: 'index', layers: everyLayer }],
  ['cnn-pooled', { kind: 'cnn', layers: pooled }],
])('%s', (name, settings) => {
  const path = fileURLToPath(new URL(`../../fixtures/torch/${name}.safetensors`, import.meta.url));
  const load = async () => {
    const golden = await readGroups(path);
    const [, channels, height, width] = golden.in!.x!.shape;
    const config = classifierSchema.parse(settings);
    return { golden, network: makeClassifier(config, [height!, width!, channels!], 10) };
  };

  it('has the loss, its gradients and the statistics of PyTorch in training', async () => {
    const { golden, network } = await load();
    const training = trainingPass();
    const found = compute(network, golden, 'logit', training);
    const errors = { ...errorsOf(network, found, golden), ...statisticErrors(network, training, golden) };
    expect(Object.entries(errors).filter(([, error]) => !(error <= TOLERANCE))).toEqual([]);
    expect(Object.keys(errors)).toHaveLength(2 + Object.keys({ ...golden.grad, ...golden.after }).length);
  });

  it('has the logits and the gradients of PyTorch in evaluation', async () => {
    const { golden, network } = await load();
    const { w, in: inputs, eval: expected, evalgrad } = golden;
    const values = valuesOf([...network.parameters, ...network.buffers], w!);
    const logits = () => network.logits(values, images(inputs!.x!));
    const loss = () => tf.sum(crossEntropy(logits(), oneHot(plain(inputs!.y!)))) as tf.Scalar;
    const parameters = network.parameters.map((spec) => values[spec.name]!);
    const errors = {
      logits: relativeError([logits()], [plain(expected!.logits!)]),
      ...parameterErrors(network, lossGradients(loss, parameters).gradients, evalgrad!),
    };
    expect(Object.entries(errors).filter(([, error]) => !(error <= TOLERANCE))).toEqual([]);
    expect(Object.keys(errors)).toHaveLength(1 + Object.keys(evalgrad!).length);
  });
});
