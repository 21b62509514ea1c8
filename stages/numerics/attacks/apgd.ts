/**
 * Auto-PGD (Croce and Hein 2020, algorithm 1; for L1: Croce and Hein 2021, algorithm 1): ascent with momentum that starts
 * with steps as long as the ball is wide, and goes back to the best point with shorter ones whenever it gets on no more.
 */

import { type Best, gaits } from './apgd-gaits.ts';
import type { Attack } from './attack.ts';
import { type Answer, type Climb, isLedAstray, type LossName, type Problem, type Query } from './attack.ts';
import { intoBox } from './norms.ts';

export interface AscentOptions {
  /** @default 100 */
  steps?: number;
  /** Gradients averaged over so many looks at a randomised classifier (EOT); the last one's logits and loss count. @default 1 */
  draws?: number;
  /** A point of ball and box to start from. @default a random one on the border of the ball */
  start?(problem: Problem): Float32Array;
  /** Goes on after success, and returns the last point that led astray. @default false */
  keepClimbing?: boolean;
  /**
   * Climbs in balls of 3ε, 2ε and ε, with 30, 30 and 40 % of the steps, each from the best point of the one before: what
   * the official code does for L1 in `standard` (Croce and Hein 2021, section 3.3). @default false
   */
  shrinkingBall?: boolean;
}

export interface ApgdOptions extends AscentOptions {
  loss: 'ce' | 'dlr';
}

/** What is made large. */
export interface Aim {
  loss: LossName;
  target?: number;
}

/** Towards any wrong class, or towards the problem's target. */
export const apgd =
  ({ loss, ...options }: ApgdOptions): Attack =>
  (problem) =>
    ascend(
      problem,
      problem.target === null ? { loss } : { loss: `${loss}-targeted`, target: problem.target },
      options,
    );

/** What is left of a climb in one ball. */
interface Found {
  /** The last point that led astray, if any did. */
  adversarial: Float32Array | null;
  best: Float32Array;
}

/** One climb, whatever it is that is to be made large. */
export function* ascend(problem: Problem, aim: Aim, options: AscentOptions): Climb {
  const { image, norm, box } = problem;
  const { steps = 100, shrinkingBall = false } = options;
  const balls = shrinkingBall ? shrinking(problem.eps, steps) : [{ eps: problem.eps, steps }];
  const widest = balls[0]!.eps;
  let x =
    options.start?.(problem).slice() ?? gaits[norm.name].randomStart(image, widest, box, problem.random);
  const isGiven = shrinkingBall || options.start !== undefined;
  for (const ball of balls) {
    if (shrinkingBall) norm.project(x, image, ball.eps, box);
    const isLast = ball === balls.at(-1);
    const found = yield* ascendInBall({ ...problem, eps: ball.eps }, aim, options, {
      x,
      isGiven,
      isLast,
      steps: ball.steps,
    });
    if (found.adversarial !== null && isLast) return { x: found.adversarial, isAdversarial: true };
    x = found.best;
  }
  return { x, isAdversarial: false };
}

/** The larger balls take what they need, rounded up; the last one the rest. */
function shrinking(eps: number, steps: number): { eps: number; steps: number }[] {
  const early = Math.ceil(0.3 * steps);
  return [
    { eps: 3 * eps, steps: early },
    { eps: 2 * eps, steps: early },
    { eps, steps: steps - 2 * early },
  ];
}

function* ascendInBall(
  problem: Problem,
  aim: Aim,
  { draws = 1, keepClimbing = false }: AscentOptions,
  { x: start, isGiven, isLast, steps }: { x: Float32Array; isGiven: boolean; isLast: boolean; steps: number },
): Generator<Query, Found, Answer> {
  const { image, norm, eps, box } = problem;
  const mayStop = isLast && !keepClimbing;
  let adversarial: Float32Array | null = null;
  let x = intoBox(start, box);
  let previous: Float32Array = x.slice();
  let answer = yield* evaluate(x, aim, draws);
  if (isLedAstray(answer.logits, problem)) adversarial = x.slice();
  const best: Best = { x: x.slice(), loss: answer.loss, gradient: answer.gradient.slice() };
  const given = isGiven ? previous.slice() : null;
  const gait = gaits[norm.name].begin({ image, eps, box, steps, firstLoss: answer.loss, given });
  let { gradient } = answer;
  for (let step = 0; step < steps; step++) {
    if (adversarial !== null && mayStop) break;
    gait.step(previous, { x, previous, gradient });
    [x, previous] = [previous, x];
    answer = yield* evaluate(x, aim, draws);
    ({ gradient } = answer);
    if (isLedAstray(answer.logits, problem)) adversarial = x.slice();
    if (answer.loss > best.loss) {
      best.x.set(x);
      best.gradient.set(gradient);
      best.loss = answer.loss;
    }
    if (gait.review(answer.loss, best)) {
      x.set(best.x);
      gradient = best.gradient;
    }
  }
  return { adversarial, best: best.x };
}

/** Asks as often as there are draws, and averages the gradients. */
function* evaluate(x: Float32Array, aim: Aim, draws: number): Generator<Query, Answer, Answer> {
  const answer = yield { x, ...aim };
  if (draws === 1) return answer;
  const gradient = answer.gradient.slice();
  let last = answer;
  for (let draw = 1; draw < draws; draw++) {
    last = yield { x, ...aim };
    for (let i = 0; i < gradient.length; i++) gradient[i]! += last.gradient[i]!;
  }
  for (let i = 0; i < gradient.length; i++) gradient[i]! /= draws;
  return { ...last, gradient };
}
