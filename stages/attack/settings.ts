/** The attacks of a configuration by name. */
import { type AttackSetting, stepsOf } from '../../schemas/attack-config.ts';

/** `pgd-20 L2 1`, `targeted fgsm Linf 0.1`: a short name for messages and tables. */
export function settingName(setting: AttackSetting): string {
  const { method, norm, eps, targeted } = setting;
  const steps = stepsOf(setting);
  return `${targeted ? 'targeted ' : ''}${steps === null ? method : `${method}-${steps}`} ${norm} ${eps}`;
}
