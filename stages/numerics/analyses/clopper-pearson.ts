/** The exact confidence bound of a probability (Clopper and Pearson 1934). */
import { incbi } from 'cephes';

/**
 * The p at which `hits` or more of `draws` have probability α; with probability 1 − α the true one is larger.
 *
 * @param hits 0 … draws
 * @param alpha in (0, 1), of one side
 */
export function lowerBound(hits: number, draws: number, alpha: number): number {
  return hits === 0 ? 0 : incbi(hits, draws - hits + 1, alpha);
}
