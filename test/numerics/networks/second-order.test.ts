/**
 * Hessians of whole networks times a random direction, against differences of gradients. Networks of smooth layers
 * only: differences across the kinks of ReLU and max pool mean nothing in float32, and networks that have them are
 * held against PyTorch's second derivatives instead (golden.test.ts, torch.test.ts).
 */
import '../../support/engine.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { classifierSchema } from '../../../schemas/network-config.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { makeClassifier } from '../../../stages/numerics/networks/registry.ts';
import { initializeParameters, loadParameters } from '../../../stages/numerics/tensor/parameters.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';
import { derivativeErrors, direction } from '../../support/hessian-vector.ts';
import { trainingPass } from './golden.ts';

const TOLERANCE = 2e-3;
const CLASSES = 3;
const UNIT = 0.04;

const vit = { kind: 'vit', patch: 2, width: 8, depth: 2, heads: 2, mlp: 12 };
const layers = [
  { kind: 'conv', channels: 6, kernel: 4, stride: 2, padding: 1 },
  { kind: 'group-norm', groups: 2 },
  'silu',
  { kind: 'conv', channels: 4, kernel: 2 },
  'softplus',
  { kind: 'avg-pool', size: 2, stride: 1 },
  'flatten',
  'layer-norm',
  { kind: 'dense', units: 6 },
  'gelu-tanh',
  'batch-norm',
  'tanh',
  'dense',
];

beforeAll(registerGradients);

describe('second derivatives by the image and all parameters', () => {
  it.each([
    ['ViT', 'evaluation', vit, [4, 6, 2]],
    ['ViT with the GELU of tanh', 'evaluation', { ...vit, activation: 'gelu-tanh' }, [4, 6, 2]],
    ['CNN', 'evaluation', { kind: 'cnn', layers }, [7, 6, 2]],
    ['CNN', 'training', { kind: 'cnn', layers }, [7, 6, 2]],
  ])('of %s in %s are right', (_name, mode, settings, shape) => {
    const network = makeClassifier(classifierSchema.parse(settings), shape, CLASSES);
    const layout = [...network.parameters, ...network.buffers];
    const start = initializeParameters(layout, randomStream(0));
    // Small starts would leave nothing to see of the layers in front.
    const values = loadParameters(layout, settings.kind === 'vit' ? start.map((value) => 5 * value) : start);
    const image = direction([6, ...shape], 'x');
    // Moves of image and parameters, in units that make the differences small beside the network's curvature.
    const moved = (tensor: tf.Tensor, by: tf.Tensor) => tf.add(tensor, tf.mul(by, UNIT));
    const f = ([x, ...at]: tf.Tensor[]) => {
      const named = network.parameters.map(({ name }, i) => [name, moved(values[name]!, at[i]!)]);
      const training = mode === 'training' ? trainingPass() : undefined;
      const all = { ...values, ...(Object.fromEntries(named) as typeof values) };
      const logits = network.logits(all, moved(image, x!), training);
      return tf.sum(
        tf.mul(direction(logits.shape, 'logits'), tf.add(logits, tf.square(logits))),
      ) as tf.Scalar;
    };
    const still = [image, ...network.parameters.map(({ name }) => values[name]!)].map((t) => tf.zerosLike(t));
    expect(Math.max(...derivativeErrors(f, still, 2))).toBeLessThan(TOLERANCE);
  });
});
