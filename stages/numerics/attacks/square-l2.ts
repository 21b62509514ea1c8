/** Square Attack in L2 (Andriushchenko et al. 2020, algorithm 3): a proposal always uses the whole ball. */
import { bumpMoves } from './square-bumps.ts';

export const l2Moves = bumpMoves({
  power: 2,
  startFactor: (length, eps) => eps / length,
  allotment: (own, spare, channels) => own + spare / channels,
});
