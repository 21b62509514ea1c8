/** When APGD halves its step (Croce and Hein 2020, section 3.2 and algorithm 1), with the constants of the official code. */

/** First window, shortest window, and by how much each is shorter than the one before: shares of all steps. */
const FIRST_WINDOW = 0.22;
const LEAST_WINDOW = 0.06;
const SHORTENING = 0.03;

/** ρ: a window with no larger share of steps that raise the loss counts as oscillation. */
const RISING_SHARE = 0.75;

/** A share of so many steps, at least one. */
const share = (part: number, steps: number) => Math.max(Math.floor(part * steps), 1);

/** Lengths of the windows; the step is looked at after each. The last one may end beyond the steps. */
export function* windows(steps: number): Generator<number, never> {
  for (let length = share(FIRST_WINDOW, steps); ; ) {
    yield length;
    length = Math.max(length - share(SHORTENING, steps), share(LEAST_WINDOW, steps));
  }
}

/**
 * Whether too few of the last steps have raised the loss (condition 1).
 *
 * @param losses after each step, without the one of the start. In its place the official code reads a zero; so does this.
 * @param last position of the latest one
 * @param window number of steps to look at
 */
export function isOscillating(losses: ArrayLike<number>, last: number, window: number): boolean {
  let rises = 0;
  for (let i = last; i > last - window; i--) if (losses[i]! > (i === 0 ? 0 : losses[i - 1]!)) rises += 1;
  return rises <= window * RISING_SHARE;
}

/**
 * Decides after each step, from the loss there and the best one so far, whether the step is to be halved: because the
 * loss oscillates, or because a whole window with an unchanged step has not raised the best loss (condition 2).
 *
 * @param steps of the whole climb
 * @param firstLoss at the start
 */
export function halvingRule(steps: number, firstLoss: number): (loss: number, bestLoss: number) => boolean {
  const lengths = windows(steps);
  let window = lengths.next().value;
  let end = window;
  const losses = new Float32Array(steps);
  let taken = 0;
  let bestBefore = firstLoss;
  let hasHalved = true;
  return (loss, bestLoss) => {
    losses[taken] = loss;
    taken += 1;
    if (taken < end) return false;
    hasHalved = isOscillating(losses, taken - 1, window) || (!hasHalved && bestBefore >= bestLoss);
    bestBefore = bestLoss;
    window = lengths.next().value;
    end += window;
    return hasHalved;
  };
}
