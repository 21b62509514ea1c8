import { beforeAll, describe, expect, it } from 'vitest';
import { gelu, geluTanh } from '../../../stages/numerics/gradients/gelu.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { tf } from '../../support/engine.ts';
import { relativeError } from '../../support/hessian-vector.ts';
import { type GoldenNetwork, goldenGradients, goldenMissing, readGolden } from './golden.ts';
import { type BatchStatistics, mlp, resnet18, unet, vit } from './golden-networks.ts';

/** Of each tensor, relative; another float32 program differs from these files by up to 3.5e-5. */
const TOLERANCE = 1e-4;
/** PyTorch's share of the new statistics in its running ones. */
const MOMENTUM = 0.1;

beforeAll(registerGradients);

if (goldenMissing) it.skip(`alignment-loss gradients of another program (${goldenMissing})`, () => {});

describe.skipIf(goldenMissing)('gradients of the alignment loss, against PyTorch in float64', () => {
  it.each<[string, GoldenNetwork, 'logit' | 'log-softmax']>([
    ['mlp', mlp, 'logit'],
    ['mlp_logp', mlp, 'log-softmax'],
    ['resnet18_train', resnet18({}), 'logit'],
    ['resnet18_eval', resnet18(null), 'logit'],
    ['vit', vit(gelu), 'logit'],
    ['vit_gelu_tanh', vit(geluTanh), 'logit'],
    ['unet', unet, 'logit'],
  ])('are right for every weight of %s', async (name, network, gradientOf) => {
    const golden = await readGolden(name);
    const { loss, gradients } = goldenGradients(network, golden, gradientOf);
    expect(relativeError([loss], [golden.out!.loss!])).toBeLessThan(TOLERANCE);
    const errors = Object.entries(gradients).map(
      ([weight, gradient]) => [weight, relativeError([gradient], [golden.grad![weight]!], 1e-5)] as const,
    );
    expect(errors.filter(([, error]) => error > TOLERANCE)).toEqual([]);
    expect(errors.length).toBe(Object.keys(golden.grad!).length);
  });

  it('come with the running statistics that PyTorch keeps', async () => {
    const { w, after, in: inputs } = await readGolden('resnet18_train');
    const statistics: BatchStatistics = {};
    resnet18(statistics)(w!, inputs!.x!, inputs!);
    const mixed = (old: tf.Tensor, now: tf.Tensor) =>
      tf.add(tf.mul(old, 1 - MOMENTUM), tf.mul(now, MOMENTUM));
    for (const [name, [mean, variance]] of Object.entries(statistics)) {
      const means = mixed(w![`${name}.running_mean`]!, mean);
      const variances = mixed(w![`${name}.running_var`]!, variance);
      expect(relativeError([means], [after![`${name}.running_mean`]!])).toBeLessThan(TOLERANCE);
      expect(relativeError([variances], [after![`${name}.running_var`]!])).toBeLessThan(TOLERANCE);
    }
    expect(Object.keys(statistics)).toHaveLength(Object.keys(after!).length / 2);
  });
});
