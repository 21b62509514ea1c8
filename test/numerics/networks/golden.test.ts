import { beforeAll, describe, expect, it } from 'vitest';
import type { ClassifierConfig } from '../../../schemas/network-config.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import type { Classifier } from '../../../stages/numerics/networks/network.ts';
import { makeClassifier } from '../../../stages/numerics/networks/registry.ts';
import { tf } from '../../support/engine.ts';
import { relativeError } from '../../support/hessian-vector.ts';
import {
  compute,
  type Golden,
  goldenMissing,
  images,
  plain,
  readGolden,
  trainingPass,
  valuesOf,
} from './golden.ts';
import { goldenUnet } from './golden-unet.ts';

/** Of each tensor, relative; another float32 program differs from these files by up to 3.5e-5. */
const TOLERANCE = 1e-4;
/** A gradient that is smaller than this is compared with it: biases in front of a norm have none. */
const SMALLEST = 1e-5;
/** PyTorch's share of the new statistics in its running ones. */
const MOMENTUM = 0.1;

const VIT = { kind: 'vit', patch: 4, width: 64, depth: 4, heads: 4, mlp: 128, dropout: 0 } as const;

const made = (config: ClassifierConfig, shape: number[]) => () => makeClassifier(config, shape, 10);
const mlp = made({ kind: 'mlp', hidden: [64] }, [28, 28, 1]);
const resnet18 = made({ kind: 'resnet18', widths: [8, 16, 32, 64] }, [32, 32, 3]);
const vit = (activation: 'gelu' | 'gelu-tanh') => made({ ...VIT, activation }, [32, 32, 3]);

beforeAll(registerGradients);

if (goldenMissing) it.skip(`figures of another program (${goldenMissing})`, () => {});

describe.skipIf(goldenMissing)('logits, gradients and loss, against PyTorch in float64', () => {
  it.each<[string, (golden: Golden) => Classifier]>([
    ['mlp', mlp],
    ['mlp_logp', mlp],
    ['resnet18_train', resnet18],
    ['resnet18_eval', resnet18],
    ['vit', vit('gelu')],
    ['vit_gelu_tanh', vit('gelu-tanh')],
    ['unet', goldenUnet],
  ])('are right in every tensor of %s', async (name, make) => {
    const golden = await readGolden(name);
    const network = make(golden);
    const training = name.endsWith('_train') ? trainingPass() : undefined;
    const gradientOf = name.endsWith('_logp') ? 'log-softmax' : 'logit';
    const found = compute(network, golden, gradientOf, training);
    const { out, grad, after } = golden;
    const errors: Record<string, number> = {
      logits: relativeError([found.logits], [plain(out!.logits!)]),
      loss: relativeError([found.loss], [plain(out!.loss!)]),
      byInput: relativeError([found.byInput], [images(grad!.__x!)], SMALLEST),
    };
    tf.unstack(images(out!.input_grads!), 1).forEach((expected, k) => {
      errors[`input gradient ${k}`] = relativeError([found.inputGradients[k]!], [expected], SMALLEST);
    });
    const expected = valuesOf(network.parameters, grad!);
    network.parameters.forEach((spec, i) => {
      errors[spec.name] = relativeError([found.byParameter[i]!], [expected[spec.name]!], SMALLEST);
    });
    for (const spec of training ? network.buffers : []) {
      const old = valuesOf([spec], golden.w!)[spec.name]!;
      const ofBatch = training!.statistics.get(spec.name)!;
      const now = tf.add(tf.mul(old, 1 - MOMENTUM), tf.mul(ofBatch, MOMENTUM));
      errors[`${spec.name} after`] = relativeError([now], [valuesOf([spec], after!)[spec.name]!]);
    }
    expect(Object.entries(errors).filter(([, error]) => !(error <= TOLERANCE))).toEqual([]);
    const statistics = training ? Object.keys(after!).length : 0;
    expect(Object.keys(errors).length).toBe(2 + 4 + Object.keys(grad!).length + statistics);
  });
});
