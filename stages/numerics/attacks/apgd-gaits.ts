/** How APGD starts and moves in each threat model. */
import type { RandomStream } from '../tensor/random.ts';
import { halvingRule } from './checkpoints.ts';
import { type MomentumStep, type Position, stepL2, stepLinf, surroundings } from './momentum-steps.ts';
import { euclidean, type Norm, norms } from './norms.ts';
import { adaptiveSparsity, sparseStep } from './sparse-step.ts';

type Box = readonly [number, number] | null;

/** One climb in one ball. */
interface Ascent {
  image: Float32Array;
  eps: number;
  box: Box;
  /** How many will be taken. */
  steps: number;
  /** Loss at the start. */
  firstLoss: number;
  /** The start, where it was given; null after a random one. */
  given: Float32Array | null;
}

/** The best point of a climb so far. */
export interface Best {
  x: Float32Array;
  loss: number;
  gradient: Float32Array;
}

interface Gait {
  /** Writes where the next step leads into `out`, which may be the position's `previous`. */
  step(out: Float32Array, from: Position): void;
  /** After each step, with the loss there: whether to go back to the best point. Adapts the length of the steps. */
  review(loss: number, best: Best): boolean;
}

interface GaitOfNorm {
  /** A point on the border of the ball, in a random direction; the box is not looked at, but for L1. */
  randomStart(image: Float32Array, eps: number, box: Box, random: RandomStream): Float32Array;
  begin(ascent: Ascent): Gait;
}

/** α of the momentum; the first step has none. */
const MOMENTUM = 0.75;

const withMomentum =
  (step: MomentumStep) =>
  ({ image, eps, box, steps, firstLoss }: Ascent): Gait => {
    const around = surroundings(image, eps, box);
    const isToHalve = halvingRule(steps, firstLoss);
    let stepSize = 2 * eps;
    let momentum = 1;
    return {
      step(out, from) {
        step(out, from, around, stepSize, momentum);
        momentum = MOMENTUM;
      },
      review(loss, best) {
        const isHalved = isToHalve(loss, best.loss);
        if (isHalved) stepSize /= 2;
        return isHalved;
      },
    };
  };

export const gaits: Record<Norm['name'], GaitOfNorm> = {
  Linf: {
    randomStart(image, eps, _box, random) {
      const direction = image.map(() => 2 * random.uniform() - 1);
      const factor = eps / direction.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      return image.map((value, i) => value + factor * direction[i]!);
    },
    begin: withMomentum(stepLinf),
  },
  L2: {
    randomStart(image, eps, _box, random) {
      const direction = random.fillNormal(new Float32Array(image.length));
      const factor = eps / euclidean(direction);
      return image.map((value, i) => value + factor * direction[i]!);
    },
    begin: withMomentum(stepL2),
  },
  L1: {
    randomStart(image, eps, box, random) {
      return norms.L1.project(
        image.map((value) => value + random.normal()),
        image,
        eps,
        box,
      );
    },
    begin(ascent) {
      const { image, eps, steps, given } = ascent;
      const sparsity = adaptiveSparsity(image, eps, steps, given);
      const scratch = new Float32Array(image.length);
      return {
        step: (out, from) => sparseStep(out, from, ascent, sparsity.stepSize, sparsity.share, scratch),
        review: (_loss, best) => sparsity.review(best.x),
      };
    },
  },
};
