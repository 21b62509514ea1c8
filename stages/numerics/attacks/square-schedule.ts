/** How large the windows of Square Attack are, as the search goes on. */

/** Proposals after which the share is halved once more. */
const HALVINGS = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];

/**
 * Share of the pixels that a window covers: the schedule that the paper gives for 10,000 queries (section 5), which the
 * official AutoAttack follows as it stands for its 5,000 too, without stretching it.
 *
 * @param proposal number of the proposal, from 0
 * @param initialShare p of the paper
 */
export function windowShare(proposal: number, initialShare: number): number {
  let share = initialShare;
  for (const last of HALVINGS) if (proposal > last) share /= 2;
  return share;
}

/** Side of a square window that covers a share of an image: at least one pixel, at most what fits. */
export function windowSide(share: number, height: number, width: number): number {
  const side = Math.max(Math.round(Math.sqrt(share * height * width)), 1);
  return Math.min(side, height, width);
}

/** The same, but odd and at least 3, so that a window has a centre; less only where no more fits. */
export function oddWindowSide(share: number, height: number, width: number): number {
  const side = Math.max(Math.round(Math.sqrt(share * height * width)), 3);
  return Math.min(side % 2 === 0 ? side + 1 : side, height, width);
}
