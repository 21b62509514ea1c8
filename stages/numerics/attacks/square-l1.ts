/**
 * Square Attack in L1, as in the official AutoAttack (Croce and Hein 2021): as in L2, but each channel is given as much as
 * all of them may have, and the projection onto the ball takes back what is too much from where there is least.
 */
import { transferMoves } from './square-transfer.ts';

export const l1Moves = transferMoves({
  power: 1,
  startFactor: () => 1,
  allotment: (own, spare, channels) => own * channels + spare,
});
