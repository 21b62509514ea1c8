/** Hyperplanes, by the norm that steps are to be short in. */
import type { Norm } from '../norms.ts';
import type { Hyperplane } from './hyperplane.ts';
import { l1 } from './l1.ts';
import { l2 } from './l2.ts';
import { linf } from './linf.ts';

export const hyperplanes: Record<Norm['name'], Hyperplane> = { Linf: linf, L2: l2, L1: l1 };
