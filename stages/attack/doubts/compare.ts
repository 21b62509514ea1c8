/** What comparisons between attacks share. */
import type { AttackSetting } from '../../../schemas/attack-config.ts';
import type { Attacked } from './attacked.ts';

/** A larger share of images is told. The official code's threshold for Square. */
const TOLD = 0.002;

/** Attacks stop at other points of their climbs; figures may contradict each other by this share, and by two images. */
const TOLERATED = 0.005;

/** Whether so many of n images are worth a sentence. */
export function isTold(images: number, n: number): boolean {
  return images > TOLD * n;
}

/** Whether figures contradict each other: `more` should not be larger than `less`. */
export function contradicts(more: number, less: number, n: number): boolean {
  return more - less > Math.max(2, TOLERATED * n);
}

export function percentOf(images: number, n: number): string {
  return ((100 * images) / n).toFixed(1);
}

/** Images that were right and that the attack led astray. */
export function broken({ outcome }: Attacked): number[] {
  return [...outcome.survived.keys()].filter((i) => !outcome.survived[i] && outcome.part[i]! >= 0);
}

/** Other untargeted attacks on the classifier itself in the same ball; none for a targeted one. */
export function rivalsOf(one: Attacked, attacked: readonly Attacked[]): Attacked[] {
  const { norm, eps, targeted } = one.result;
  return attacked.filter(
    ({ result }) =>
      result !== one.result &&
      result.norm === norm &&
      result.eps === eps &&
      !targeted &&
      !result.targeted &&
      result.transferFrom === null,
  );
}

/** Attacks whose settings are the same but for those named. */
export function familiesOf(
  attacked: readonly Attacked[],
  ...free: readonly (keyof AttackSetting)[]
): Attacked[][] {
  const families = new Map<string, Attacked[]>();
  for (const one of attacked) {
    const fixed = Object.entries(one.setting).filter(([name]) => !free.some((other) => other === name));
    const key = JSON.stringify(fixed.sort(([a], [b]) => (a < b ? -1 : 1)));
    families.set(key, [...(families.get(key) ?? []), one]);
  }
  return [...families.values()];
}
