import { beforeAll, describe, expect, it } from 'vitest';
import type { ClassifierConfig } from '../../../schemas/network-config.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import type { Classifier } from '../../../stages/numerics/networks/network.ts';
import { makeClassifier } from '../../../stages/numerics/networks/registry.ts';
import {
  compute,
  errorsOf,
  type Golden,
  goldenMissing,
  readGolden,
  statisticErrors,
  trainingPass,
} from './golden.ts';
import { goldenUnet } from './golden-unet.ts';

/** Of each tensor, relative; another float32 program differs from these files by up to 3.5e-5. */
const TOLERANCE = 1e-4;
const TARGETS = 4;

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
    const statistics = training === undefined ? {} : statisticErrors(network, training, golden);
    const errors = { ...errorsOf(network, found, golden), ...statistics };
    expect(Object.entries(errors).filter(([, error]) => !(error <= TOLERANCE))).toEqual([]);
    const { grad, after = {} } = golden;
    expect(Object.keys(errors)).toHaveLength(2 + TARGETS + Object.keys({ ...grad, ...after }).length);
  });
});
