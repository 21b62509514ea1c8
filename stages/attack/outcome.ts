/** What one attack setting has made of each image, put together from what its parts found. */

/** What can be wrong with an adversarial point: outside the ball or the box, or not finite. */
export type Violation = 'ball' | 'box' | 'nan';

/** What one part has made of the images that still stood, one entry each. */
export interface PartOutcome {
  /** Positions among the attacked images, ascending. */
  positions: number[];
  /** Led astray within the ball, as the classifier said when it was asked afresh. */
  broken: boolean[];
  /** Class named on the adversarial image; on the clean one where none was found. */
  prediction: number[];
  /** Length of the perturbation in the attack's norm; 0 where none was found. */
  distance: number[];
  /** Points at which the classifier was asked. */
  queries: number[];
  /** Those of them with a gradient. */
  gradients: number[];
  /** Its share of the time; depends on the machine. */
  seconds: number[];
  /** What is wrong with the adversarial point; null if nothing. */
  violation: (Violation | null)[];
}

/** [n] each. */
export interface Outcome {
  /** Still right (untargeted), or not led to the target (targeted). */
  survived: boolean[];
  /** Prediction on the adversarial image; on the clean one where the attack had nothing to do or failed. */
  prediction: number[];
  /** Length of the perturbation in the attack's norm; 0 where nothing was found. For `minimal` it may exceed ε. */
  distance: number[];
  /** Class to be reached, −1 for untargeted attacks. */
  target: number[];
  /** Points at which the classifier was asked. */
  queries: number[];
  /** Those of them with a gradient. */
  gradients: number[];
  /** Its share of the time; depends on the machine. */
  seconds: number[];
  /** The part of a cascade that led it astray; −1 where none did. */
  part: number[];
}

/** Before the first part: images that are wrong, or at the target, already have fallen. */
export function untouched(
  clean: ArrayLike<number>,
  labels: ArrayLike<number>,
  targets: ArrayLike<number>,
): Outcome {
  const zeros = () => Array.from(clean, () => 0);
  return {
    survived: Array.from(clean, (named, i) =>
      targets[i] === UNTARGETED ? named === labels[i] : named !== targets[i],
    ),
    prediction: Array.from(clean),
    distance: zeros(),
    target: Array.from(targets),
    queries: zeros(),
    gradients: zeros(),
    seconds: zeros(),
    part: Array.from(clean, () => -1),
  };
}

/** Stands for the target of attacks that have none. */
export const UNTARGETED = -1;

/** Positions that still stand. */
export function standingIn({ survived }: Outcome): number[] {
  return [...survived.keys()].filter((position) => survived[position]);
}

/** Adds to an outcome what a part has found. @param first position of the outcome's first image */
export function apply(outcome: Outcome, found: PartOutcome, part: number, first = 0): void {
  for (const [row, at] of found.positions.entries()) {
    const position = at - first;
    outcome.queries[position]! += found.queries[row]!;
    outcome.gradients[position]! += found.gradients[row]!;
    outcome.seconds[position]! += found.seconds[row]!;
    outcome.prediction[position] = found.prediction[row]!;
    outcome.distance[position] = found.distance[row]!;
    if (!found.broken[row]) continue;
    outcome.survived[position] = false;
    outcome.part[position] = part;
  }
}
