/** The attacks by name. */
import type { AttackEntry } from '../../../schemas/config.ts';
import type { Attack } from './attack.ts';
import { fgsm } from './fgsm.ts';
import { pgd } from './pgd.ts';

export const attacks: Record<AttackEntry['method'], Attack> = { fgsm, pgd };
