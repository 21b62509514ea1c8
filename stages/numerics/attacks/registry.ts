/** The attacks by name. */
import { type AttackSetting, stepsOf } from '../../../schemas/attack-config.ts';
import type { Attack } from './attack.ts';
import { fgsm } from './fgsm.ts';
import { pgd, stepSizeOf } from './pgd.ts';

/** The attack of a setting. */
export function attackOf(setting: AttackSetting): Attack {
  const { method, loss, randomStart } = setting;
  if (method === 'fgsm') return fgsm({ loss });
  const steps = stepsOf(setting)!;
  return pgd({ steps, stepSize: stepSizeOf({ ...setting, steps }), randomStart, loss });
}
