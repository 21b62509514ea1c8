/** Our kernels by name, and what they compute in plain float64. */
import { FLOAT32, runKernel } from '../../stages/numerics/tensor/kernel.ts';
import { randomStream } from '../../stages/numerics/tensor/random.ts';
import { tf } from './engine.ts';

/** Normal values around a mean, always the same. */
export function noise(name: string, shape: readonly number[], mean = 0): tf.Tensor {
  const stream = randomStream(7, name);
  const size = shape.reduce((product, side) => product * side, 1);
  const values = Float32Array.from({ length: size }, () => mean + stream.normal());
  return tf.tensor(values, [...shape]);
}

/** Zeros of each shape, by name. */
export const zerosOf = (shapes: object): Record<string, tf.Tensor> =>
  Object.fromEntries(Object.entries(shapes).map(([name, sides]) => [name, tf.zeros(sides as number[])]));

/** What a kernel is given for an input that is left out. */
export const none = () => tf.zeros([0]);

export interface Ending {
  bias?: tf.Tensor;
  added?: tf.Tensor;
  relu?: boolean;
}

/** x: [n, h, w, inputs], filter: [3, 3, inputs, outputs] */
export function ownConvolution(
  x: tf.Tensor,
  filter: tf.Tensor,
  { bias, added, relu = false }: Ending = {},
): tf.Tensor {
  const inputs = [x, filter, bias ?? none(), added ?? none()];
  return runKernel('PagConvolution', { T: FLOAT32, relu }, inputs)[0]!;
}

export function plainConvolution(
  x: tf.Tensor,
  filter: tf.Tensor,
  { bias, added, relu = false }: Ending = {},
): Float64Array {
  const [n, height, width, inputs] = x.shape as [number, number, number, number];
  const outputs = filter.shape[3]!;
  const [pixels, taps] = [x.dataSync(), filter.dataSync()];
  const [offsets, others] = [bias?.dataSync(), added?.dataSync()];
  const y = new Float64Array(n * height * width * outputs);
  for (let at = 0; at < y.length; at++) {
    const k = at % outputs;
    const pixel = Math.floor(at / outputs);
    const [column, row] = [pixel % width, Math.floor(pixel / width) % height];
    let sum = (offsets?.[k] ?? 0) + (others?.[at] ?? 0);
    for (let tap = 0; tap < 9; tap++) {
      const [down, across] = [Math.floor(tap / 3) - 1, (tap % 3) - 1];
      const isIn = row + down >= 0 && row + down < height && column + across >= 0 && column + across < width;
      const from = (pixel + down * width + across) * inputs;
      for (let c = 0; isIn && c < inputs; c++) {
        sum += pixels[from + c]! * taps[(tap * inputs + c) * outputs + k]!;
      }
    }
    y[at] = relu ? Math.max(0, sum) : sum;
  }
  return y;
}

export interface Norm {
  groups: number;
  epsilon: number;
  gamma: tf.Tensor;
  beta: tf.Tensor;
  /** [n, c] each. */
  added?: tf.Tensor;
  scale?: tf.Tensor;
  shift?: tf.Tensor;
  silu?: boolean;
}

export function ownGroupNorm(x: tf.Tensor, norm: Norm): tf.Tensor {
  const { groups, epsilon, gamma, beta, added, scale, shift, silu = false } = norm;
  const inputs = [x, gamma, beta, added ?? none(), scale ?? none(), shift ?? none()];
  const attributes = { T: FLOAT32, groups: { int: groups }, epsilon: { float: epsilon }, silu };
  return runKernel('PagGroupNorm', attributes, inputs)[0]!;
}

export function plainGroupNorm(x: tf.Tensor, norm: Norm): Float64Array {
  const [n, height, width, channels] = x.shape as [number, number, number, number];
  const { groups, epsilon, silu = false } = norm;
  const [gamma, beta] = [norm.gamma.dataSync(), norm.beta.dataSync()];
  const [added, scale, shift] = [norm.added?.dataSync(), norm.scale?.dataSync(), norm.shift?.dataSync()];
  const y = Float64Array.from(x.dataSync());
  const perImage = height * width * channels;
  const table = (at: number) => Math.floor(at / perImage) * channels + (at % channels);
  if (added) for (const at of y.keys()) y[at]! += added[table(at)]!;
  const wide = channels / groups;
  for (let group = 0; group < n * groups; group++) {
    const members: number[] = [];
    const [image, first] = [Math.floor(group / groups), (group % groups) * wide];
    for (let pixel = 0; pixel < height * width; pixel++) {
      for (let c = first; c < first + wide; c++) members.push(image * perImage + pixel * channels + c);
    }
    const mean = members.reduce((sum, at) => sum + y[at]!, 0) / members.length;
    const variance = members.reduce((sum, at) => sum + (y[at]! - mean) ** 2, 0) / members.length;
    for (const at of members) {
      const c = at % channels;
      let value = ((y[at]! - mean) / Math.sqrt(variance + epsilon)) * gamma[c]! + beta[c]!;
      value = value * (scale?.[table(at)] ?? 1) + (shift?.[table(at)] ?? 0);
      y[at] = silu ? value / (1 + Math.exp(-value)) : value;
    }
  }
  return y;
}

/** Largest difference over the root mean square of what is expected. */
export function worstError(found: tf.Tensor, expected: Float64Array): number {
  const values = found.dataSync();
  let [worst, squares] = [0, 0];
  for (const [i, value] of expected.entries()) {
    const difference = Math.abs(values[i]! - value);
    // NaN is larger than anything.
    if (!(difference <= worst)) worst = difference;
    squares += value ** 2;
  }
  return worst / Math.sqrt(squares / expected.length);
}
