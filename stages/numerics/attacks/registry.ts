/** The attacks by name. */
import { fgsm } from './fgsm.ts';
import { pgd } from './pgd.ts';
import type { Attack } from './tensor-attack.ts';

export const attacks: Record<'fgsm' | 'pgd', Attack> = { fgsm, pgd };
