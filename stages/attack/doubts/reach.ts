/** Gradients that lead nowhere: a climb that nothing bounds but the box must fool any classifier (Carlini et al. 2019, §5). */
import type { Doubt } from '../../../schemas/attack-results.ts';
import { type Answer, classOf } from '../../numerics/attacks/attack.ts';
import { intoBox } from '../../numerics/attacks/norms.ts';
import { answersAt, type Victim } from './ask.ts';

/** Steps of the climb, and the length of one in parts of the range of values. */
const STEPS = 20;
const STEP = 0.1;

/** Images that are tried at most. */
const TRIED = 64;

/** Of fewer, those that a classifier which names one class for everything has right by chance, nothing is told. */
const LEAST = 8;

/** A larger share of images left standing is told. */
const TOLD = 0.05;

/** @param right images that are classified right */
export function reachDoubts(victim: Victim, right: readonly number[]): Doubt[] {
  const tried = right.slice(0, TRIED);
  if (tried.length < LEAST) return [];
  const length = STEP * rangeOf(victim);
  let standing = tried.map((image) => ({ image, x: victim.images[image]!.slice() }));
  for (let step = 0; step <= STEPS && standing.length > 0; step++) {
    const answers = answersAt(
      victim,
      standing.map(({ image }) => image),
      standing.map(({ x }) => x),
      'margin',
      0,
    );
    standing.forEach(({ x }, i) => {
      climb(x, answers[i]!, length, victim.box);
    });
    standing = standing.filter(({ image }, i) => classOf(answers[i]!.logits) === victim.labels[image]);
  }
  if (standing.length <= TOLD * tried.length) return [];
  const share = ((100 * standing.length) / tried.length).toFixed(0);
  const sentence = `With nothing but the ${victim.box === null ? 'spread of the data' : 'box'} as bound, ${STEPS} steps along the gradient leave ${standing.length} of ${tried.length} images (${share} %) classified right, although any image can be turned into any other there: the gradients are masked, and attacks that follow them say little. Trust figures of square and of fab only, with more queries and restarts, and look for what hides the gradient: saturated or dead units, rounding, a transformation of the input.`;
  return [{ kind: 'masked-gradients', sentence }];
}

function climb(x: Float32Array, { gradient }: Answer, length: number, box: Victim['box']): void {
  for (let i = 0; i < x.length; i++) x[i]! += length * Math.sign(gradient[i]!);
  intoBox(x, box);
}

/** How far apart values can be: the width of the box, or of the data. */
function rangeOf({ images, box }: Victim): number {
  if (box !== null) return box[1] - box[0];
  const ends = images.map((image) => [Math.min(...image), Math.max(...image)] as const);
  return Math.max(...ends.map(([, high]) => high)) - Math.min(...ends.map(([low]) => low));
}
