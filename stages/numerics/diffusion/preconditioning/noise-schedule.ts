/**
 * Noise levels of the discrete, variance-preserving diffusion x_t = √ᾱ_t·y + √(1 − ᾱ_t)·ε. Divided by √ᾱ_t it is
 * y + σ_t·ε with σ_t = √((1 − ᾱ_t) / ᾱ_t), so that all score models speak of σ.
 */
import type { PreconditioningConfig } from '../../../../schemas/preconditioning.ts';

type Process = Pick<Extract<PreconditioningConfig, { kind: 'ddpm' }>, 'steps' | 'schedule'>;

/** β of step t, counted from 0 to T − 1. */
const betas: Record<Process['schedule'], (t: number, steps: number) => number> = {
  // From 1e-4 to 0.02 at 1,000 steps (Ho et al. 2020, section 4); fewer steps are as much longer.
  linear: (t, steps) => (1000 / steps) * (1e-4 + ((0.02 - 1e-4) * t) / Math.max(1, steps - 1)),
  // Nichol and Dhariwal 2021, eq. 17 with s = 0.008.
  cosine: (t, steps) => {
    const f = (u: number) => Math.cos((((u / steps + 0.008) / 1.008) * Math.PI) / 2) ** 2;
    return 1 - f(t + 1) / f(t);
  },
};

/** Nichol and Dhariwal's bound on β, which keeps the last steps from destroying everything. */
const LARGEST_BETA = 0.999;

/** σ_t for t from 0 to T − 1, rising. */
export function noiseLevels({ steps, schedule }: Process): Float64Array {
  let kept = 1;
  return Float64Array.from({ length: steps }, (_, t) => {
    kept *= 1 - Math.min(LARGEST_BETA, betas[schedule](t, steps));
    return Math.sqrt((1 - kept) / kept);
  });
}

/** The step whose noise level is nearest. @param levels rising */
export function nearestStep(levels: Float64Array, sigma: number): number {
  let low = 0;
  let high = levels.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (levels[middle]! < sigma) low = middle + 1;
    else high = middle;
  }
  return low > 0 && sigma - levels[low - 1]! <= levels[low]! - sigma ? low - 1 : low;
}
