/** Figures that a working attack cannot leave behind, because a better one is known (Carlini et al. 2019, section 5). */
import { type AttackNorm, NOISE_NAMES } from '../../../schemas/attack-config.ts';
import type { Doubt } from '../../../schemas/attack-results.ts';
import type { Attacked } from './attacked.ts';
import { contradicts } from './compare.ts';

/** What figures are judged by. */
export interface Judged {
  /** True classes of the images. */
  labels: ArrayLike<number>;
  /** Number of values of an image. */
  size: number;
  box: readonly [number, number] | null;
}

export function maskedDoubts(attacked: readonly Attacked[], judged: Judged): Doubt[] {
  return [...singleStepWins(attacked), ...attacked.flatMap((one) => standsAnything(one, judged))];
}

/** One step does better than many. */
function singleStepWins(attacked: readonly Attacked[]): Doubt[] {
  const isPlain = ({ result }: Attacked) => !result.targeted && result.transferFrom === null;
  const plain = attacked.filter(isPlain).map(({ result }) => result);
  return plain
    .filter(({ method }) => method === 'fgsm' || method === 'r-fgsm')
    .flatMap((single) =>
      plain
        .filter(({ method, norm, eps }) => method === 'pgd' && norm === single.norm && eps === single.eps)
        .filter(({ robust }) => contradicts(robust, single.robust, single.n))
        .map((many): Doubt => {
          const sentence = `${single.name} leaves ${single.robust} of ${single.n} images standing, ${many.name} ${many.robust}: one step does better than many, a sign of masked gradients. Believe neither figure; use auto-attack, and square with more queries.`;
          return { kind: 'masked-gradients', sentence };
        }),
    );
}

/** Radius from which the ball of every image holds the middle of the box, where all images are the same. */
const TO_THE_MIDDLE: Record<AttackNorm, (half: number, size: number) => number> = {
  Linf: (half) => half,
  L2: (half, size) => half * Math.sqrt(size),
  L1: (half, size) => half * size,
};

/** In such a ball one class alone can stay right. */
function standsAnything({ result }: Attacked, { labels, size, box }: Judged): Doubt[] {
  const { name, norm, eps, robust, n, targeted, transferFrom, method } = result;
  const isWeak = targeted || transferFrom !== null || NOISE_NAMES.some((noise) => noise === method);
  if (box === null || isWeak || eps < TO_THE_MIDDLE[norm]((box[1] - box[0]) / 2, size)) return [];
  const possible = largestClass(labels);
  if (!contradicts(robust, possible, n)) return [];
  const sentence = `${name} leaves ${robust} of ${n} images standing, although every image can be made the same gray within this ε, so that no more than ${possible} (the most frequent class) could stand: the attack fails, gradients are masked. Do not believe figures of this attack at smaller ε either; use square and fab with restarts, and find out what hides the gradient.`;
  return [{ kind: 'masked-gradients', sentence }];
}

/** Images of the most frequent class. */
function largestClass(labels: ArrayLike<number>): number {
  const counts = new Map<number, number>();
  for (const label of Array.from(labels)) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.max(...counts.values());
}
