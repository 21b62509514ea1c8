/**
 * Square Attack (Andriushchenko et al. 2020, algorithm 1): a random search that asks for no gradients. It changes square
 * windows of the image and keeps what brings the classifier nearer to the goal.
 *
 * In two things it is not the official code: each image draws windows of its own, which may lie in any place where they fit
 * (the official code shares them among a batch, and never uses the last row and column), and a tie of the largest logits
 * that still names the right class is no end of the search.
 */
import { USUAL_QUERIES } from '../../../schemas/attack-config.ts';
import { PipelineError } from '../../../schemas/errors.ts';
import { type Attack, type Climb, isLedAstray, type Problem } from './attack.ts';
import { objective } from './logit-measures.ts';
import type { Norm } from './norms.ts';
import { l1Moves } from './square-l1.ts';
import { l2Moves } from './square-l2.ts';
import { linfMoves } from './square-linf.ts';
import { copyWindow, type Draws, drawsFrom, type Grid, type MovesOf, type Window } from './square-moves.ts';
import { windowShare } from './square-schedule.ts';

export interface SquareOptions {
  /** Proposals; the start is asked about before them. @default 5000 */
  queries?: number;
  /** Share of the pixels that the first windows cover: p of the paper. @default 0.8 */
  initialShare?: number;
}

const moves: Record<Norm['name'], MovesOf> = { Linf: linfMoves, L2: l2Moves, L1: l1Moves };

/**
 * @param options of the search
 * @param drawsOf what is drawn by chance, from the random numbers of the image and the attempt
 */
export function square(
  { queries = USUAL_QUERIES, initialShare = 0.8 }: SquareOptions = {},
  drawsOf: (problem: Problem) => Draws = ({ random }) => drawsFrom(random),
): Attack {
  return function* climb(problem: Problem): Climb {
    const grid = gridOf(problem.shape);
    const { start, propose } = moves[problem.norm.name](problem, grid, drawsOf(problem));
    const x = start();
    const best = x.slice();
    let least = Number.POSITIVE_INFINITY;
    let changed: readonly Window[] = [];
    for (let made = 0; ; made++) {
      const { logits } = yield { x, loss: null };
      if (isLedAstray(logits, problem)) return { x, isAdversarial: true };
      const value = objective(logits, problem);
      const isBetter = value < least;
      if (isBetter) least = value;
      for (const window of changed) copyWindow(isBetter ? x : best, isBetter ? best : x, window, grid);
      if (made === queries) return { x: best, isAdversarial: false };
      changed = propose(x, best, windowShare(made, initialShare));
    }
  };
}

/** @throws PipelineError `SHAPE_MISMATCH` where inputs are no images */
function gridOf(shape: readonly number[]): Grid {
  if (shape.length === 3) {
    const [height, width, channels] = shape as [number, number, number];
    return { height, width, channels };
  }
  throw new PipelineError(
    'SHAPE_MISMATCH',
    `Expected images of [height, width, channels] for Square Attack, which changes square windows, found inputs of ` +
      `[${shape}]; leave square out of the attacks on these data.`,
  );
}
