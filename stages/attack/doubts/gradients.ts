/** Doubts about gradients at the clean images: not numbers, exactly zero, or lost in the rounding of a softmax. */
import type { Doubt } from '../../../schemas/attack-results.ts';
import { euclidean } from '../../numerics/attacks/norms.ts';
import { answersAt, type Victim } from './ask.ts';

/** A gradient of cross entropy this much shorter than that of DLR has vanished. */
const VANISHED = 1e-10;

/** A larger share of images with vanished gradients is told. */
const TOLD = 0.01;

/** @param right images that are classified right: only they have to be attacked */
export function gradientDoubts(victim: Victim, right: readonly number[]): Doubt[] {
  const points = right.map((i) => victim.images[i]!);
  const scaleFree = victim.oracle.classes >= 3 ? 'dlr' : 'margin';
  const ofCe = answersAt(victim, right, points, 'ce', 0);
  const ofMargin = answersAt(victim, right, points, scaleFree, 0);
  const lengths = right.map((_, i) => ({
    ce: euclidean(ofCe[i]!.gradient),
    margin: euclidean(ofMargin[i]!.gradient),
    gap: gapOf(ofCe[i]!.logits),
  }));
  const numbers = lengths.filter(({ ce, margin }) => Number.isFinite(ce) && Number.isFinite(margin));
  const flat = numbers.filter(({ margin }) => margin === 0);
  const sloped = numbers.filter(({ margin }) => margin > 0);
  const underflown = sloped.filter(({ ce }) => ce === 0);
  const vanished = sloped.filter(({ ce, margin }) => ce > 0 && ce < VANISHED * margin);
  const n = right.length;
  const doubts: Doubt[] = [];
  if (numbers.length < n) {
    const sentence = `The loss gradient of ${n - numbers.length} of ${n} clean images holds NaN or infinity. Attacks cannot follow it, and these images seem to stand. Look for a square root, a logarithm or a division at 0 in the network, and mend it before you believe any figure.`;
    doubts.push({ kind: 'nan', sentence });
  }
  if (flat.length > 0) {
    const sentence = `The gradient of the ${scaleFree === 'dlr' ? 'DLR loss' : 'margin'} is exactly zero at ${flat.length} of ${n} clean images: something in the network passes no gradient, such as rounding of the input, a step or dead units. Attacks that follow gradients cannot move these images. Use square, and replace that part of the network by a smooth one when you attack (BPDA).`;
    doubts.push({ kind: 'zero-gradients', sentence });
  }
  if (underflown.length > 0) {
    const sentence = `The gradient of the cross entropy is exactly zero at ${underflown.length} of ${n} clean images, that of the logits is not: the softmax is rounded to 0 and 1, because the largest logit leads by ${median(underflown)} (median). fgsm, pgd and apgd-ce cannot move these images. Use losses that do not depend on the scale of the logits: apgd-dlr, apgd-t, pgd with loss: margin; or auto-attack.`;
    doubts.push({ kind: 'zero-gradients', sentence });
  }
  if (vanished.length > TOLD * n) {
    const sentence = `The gradient of the cross entropy is less than ${VANISHED} of that of the ${scaleFree === 'dlr' ? 'DLR loss' : 'margin'} at ${vanished.length} of ${n} clean images, because the largest logit leads by ${median(vanished)} (median): the logits are scaled, and rounding spoils what is left of the gradient. Figures of fgsm, pgd and apgd-ce may be too high. Use losses that do not depend on the scale of the logits: apgd-dlr, apgd-t, pgd with loss: margin; or auto-attack.`;
    doubts.push({ kind: 'vanishing-gradients', sentence });
  }
  return doubts;
}

/** Largest logit less the second largest. */
function gapOf(logits: Float32Array): number {
  const [first, second] = Float32Array.from(logits).sort().reverse();
  return first! - second!;
}

function median(found: readonly { gap: number }[]): string {
  const gaps = found.map(({ gap }) => gap).sort((a, b) => a - b);
  return String(Number(gaps[gaps.length >> 1]!.toPrecision(3)));
}
