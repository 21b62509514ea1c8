/** Figures as they are written in tables and captions. */

export const NORM_NAMES = { L1: 'L1', L2: 'L2', Linf: 'L∞' } as const;

/** ε as it is written in papers: `8/255` rather than `0.03137254901960784`. */
export function epsText(eps: number): string {
  const levels = Math.round(255 * eps);
  const isFraction = String(eps).length > 6 && Math.abs(255 * eps - levels) < 1e-9;
  return isFraction ? `${levels}/255` : String(eps);
}

/** A share as a percentage with one decimal, e.g. `95.4`. */
export function percent(share: number): string {
  return (100 * share).toFixed(1);
}

/** A whole number with separators, e.g. `2,007`. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
