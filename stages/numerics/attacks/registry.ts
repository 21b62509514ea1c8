/** The attacks by name. */
import type { AttackEntry } from '../../../schemas/config.ts';
import { fgsm } from './fgsm.ts';
import { pgd } from './pgd.ts';
import type { Attack } from './tensor-attack.ts';

export const attacks: Record<AttackEntry['method'], Attack> = { fgsm, pgd };
