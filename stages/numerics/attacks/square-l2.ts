/** Square Attack in L2 (Andriushchenko et al. 2020, algorithm 3): a proposal always uses the whole ball. */
import { transferMoves } from './square-transfer.ts';

export const l2Moves = transferMoves({
  power: 2,
  startFactor: (length, eps) => eps / length,
  allotment: (own, spare, channels) => own + spare / channels,
});
