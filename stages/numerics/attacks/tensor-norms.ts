/** The threat models: what is steepest, what is inside, and where a random start lies. A norm is data, not a branch. */
import { sizeOf } from '../../../schemas/shape.ts';
import type { RandomStream } from '../tensor/random.ts';
import { tf } from '../tensor/tf.ts';

/** A ball around each image of a batch. */
export interface Norm {
  name: 'L2' | 'Linf';
  /** Direction of steepest ascent of length 1. gradient: [batch, ...shape]. */
  steepest(gradient: tf.Tensor): tf.Tensor;
  /** Nearest point of the ball of radius eps around 0. delta: [batch, ...shape]. */
  project(delta: tf.Tensor, eps: number): tf.Tensor;
  /** Length of each perturbation, [batch]. */
  length(delta: tf.Tensor): tf.Tensor1D;
  /** A random perturbation of one image, inside the ball. */
  random(size: number, eps: number, random: RandomStream): Float32Array;
}

/** Below this length a direction counts as zero, as in the usual PyTorch codes. */
const SMALLEST_LENGTH = 1e-12;

function euclidean(delta: tf.Tensor): tf.Tensor1D {
  return tf.sqrt(tf.sum(tf.square(tf.reshape(delta, [delta.shape[0]!, -1])), 1));
}

/** [batch] -> [batch, 1, 1, …], to be multiplied with images. */
function perImage(values: tf.Tensor1D, like: tf.Tensor): tf.Tensor {
  return tf.reshape(values, [like.shape[0]!, ...like.shape.slice(1).map(() => 1)]);
}

const L2: Norm = {
  name: 'L2',
  steepest: (gradient) =>
    tf.div(gradient, perImage(tf.maximum(euclidean(gradient), SMALLEST_LENGTH), gradient)),
  project(delta, eps) {
    const length = tf.maximum(euclidean(delta), SMALLEST_LENGTH);
    return tf.mul(delta, perImage(tf.minimum(1, tf.div(eps, length)), delta));
  },
  length: euclidean,
  /** Uniform in the ball: a direction drawn evenly, radius eps · U^(1/size). */
  random(size, eps, random) {
    const direction = random.fillNormal(new Float32Array(size));
    const norm = Math.sqrt(direction.reduce((sum, value) => sum + value * value, 0));
    const length = eps * random.uniform() ** (1 / size);
    return direction.map((value) => (value / norm) * length);
  },
};

const Linf: Norm = {
  name: 'Linf',
  steepest: (gradient) => tf.sign(gradient),
  project: (delta, eps) => tf.clipByValue(delta, -eps, eps),
  length: (delta) => tf.max(tf.abs(tf.reshape(delta, [delta.shape[0]!, -1])), 1),
  random: (size, eps, random) => Float32Array.from({ length: size }, () => (2 * random.uniform() - 1) * eps),
};

export const norms: Record<Norm['name'], Norm> = { L2, Linf };

/** Random perturbations of a batch, [batch, ...shape], image i from `randomOf(i)` alone. */
export function randomPerturbation(
  norm: Norm,
  shape: readonly number[],
  eps: number,
  randomOf: (position: number) => RandomStream,
): tf.Tensor {
  const [batch, ...image] = shape as [number, ...number[]];
  const size = sizeOf(image);
  const values = new Float32Array(batch * size);
  for (let i = 0; i < batch; i++) values.set(norm.random(size, eps, randomOf(i)), i * size);
  return tf.tensor(values, [batch, ...image]);
}
