/** The threat models, for one image: how long a perturbation is, what is inside, and what is steepest. A norm is data, not a branch. */
import type { RandomStream } from '../tensor/random.ts';
import { projectOntoL1Ball } from './l1-ball.ts';

export type Box = readonly [number, number] | null;

export interface Norm {
  name: 'Linf' | 'L2' | 'L1';
  /** Length of b − a. */
  distance(a: Float32Array, b: Float32Array): number;
  /** Direction of steepest ascent of length 1: written over the gradient. */
  steepest(gradient: Float32Array): Float32Array;
  /** Moves x into the ball of radius eps around an image, and then into the box. */
  project(x: Float32Array, image: Float32Array, eps: number, box: Box): Float32Array;
  /** A random point of the ball, uniformly distributed in it; the box is not looked at. */
  randomPoint(image: Float32Array, eps: number, random: RandomStream): Float32Array;
}

/** Below this length a direction counts as zero, as in the usual PyTorch codes. */
const SMALLEST_LENGTH = 1e-12;

/** ‖v‖₂ */
export function euclidean(v: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < v.length; i++) sum += v[i]! * v[i]!;
  return Math.sqrt(sum);
}

/** Clips x to the box, where there is one. */
export function intoBox(x: Float32Array, box: Box): Float32Array {
  if (box === null) return x;
  const [low, high] = box;
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    x[i] = Math.max(low, Math.min(value, high));
  }
  return x;
}

const Linf: Norm = {
  name: 'Linf',
  distance(a, b) {
    let largest = 0;
    // The larger of NaN and a number is NaN, which must not be lost.
    for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(b[i]! - a[i]!));
    return largest;
  },
  steepest(gradient) {
    for (let i = 0; i < gradient.length; i++) gradient[i] = Math.sign(gradient[i]!);
    return gradient;
  },
  project(x, image, eps, box) {
    for (let i = 0; i < x.length; i++) {
      const [low, high] = [image[i]! - eps, image[i]! + eps];
      const value = x[i]!;
      x[i] = Math.max(low, Math.min(value, high));
    }
    return intoBox(x, box);
  },
  randomPoint: (image, eps, random) => image.map((value) => value + (2 * random.uniform() - 1) * eps),
};

const L2: Norm = {
  name: 'L2',
  distance(a, b) {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += (b[i]! - a[i]!) ** 2;
    return Math.sqrt(sum);
  },
  steepest(gradient) {
    const length = Math.max(euclidean(gradient), SMALLEST_LENGTH);
    for (let i = 0; i < gradient.length; i++) gradient[i] = gradient[i]! / length;
    return gradient;
  },
  project(x, image, eps, box) {
    const length = L2.distance(image, x);
    if (length > eps) {
      const factor = eps / length;
      for (let i = 0; i < x.length; i++) x[i] = image[i]! + (x[i]! - image[i]!) * factor;
    }
    return intoBox(x, box);
  },
  /** A direction drawn evenly, radius ε · U^(1/size). */
  randomPoint(image, eps, random) {
    const direction = random.fillNormal(new Float32Array(image.length));
    const factor = (eps * random.uniform() ** (1 / image.length)) / euclidean(direction);
    return image.map((value, i) => value + direction[i]! * factor);
  },
};

const L1: Norm = {
  name: 'L1',
  distance(a, b) {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += Math.abs(b[i]! - a[i]!);
    return sum;
  },
  /** The one coordinate that matters most, the first of equal ones. */
  steepest(gradient) {
    let most = 0;
    for (let i = 1; i < gradient.length; i++) {
      if (Math.abs(gradient[i]!) > Math.abs(gradient[most]!)) most = i;
    }
    const sign = Math.sign(gradient[most]!);
    gradient.fill(0)[most] = sign;
    return gradient;
  },
  project: projectOntoL1Ball,
  /** Signs drawn evenly, lengths as n of n + 1 exponential ones share ε. */
  randomPoint(image, eps, random) {
    const lengths = Float64Array.from({ length: image.length + 1 }, () => -Math.log(1 - random.uniform()));
    const unit = eps / lengths.reduce((total, length) => total + length, 0);
    return image.map((value, i) => value + (random.uniform() < 0.5 ? -1 : 1) * lengths[i]! * unit);
  },
};

export const norms: Record<Norm['name'], Norm> = { Linf, L2, L1 };
