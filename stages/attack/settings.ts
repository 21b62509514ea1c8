/** The attacks of a configuration, one setting for each ε. */
import type { AttackEntry, ExperimentConfig } from '../../schemas/config.ts';

/** One attack at one ε. */
export type AttackSetting = Omit<AttackEntry, 'eps'> & { eps: number };

export function attackSettings({ attacks }: ExperimentConfig['attack']): AttackSetting[] {
  return attacks.flatMap(({ eps, ...rest }) => eps.map((radius) => ({ ...rest, eps: radius })));
}

/** `pgd-20 L2 1`, `targeted fgsm Linf 0.1`: a short name for messages and tables. */
export function settingName({ method, steps, norm, eps, targeted }: AttackSetting): string {
  return `${targeted ? 'targeted ' : ''}${method === 'pgd' ? `pgd-${steps}` : method} ${norm} ${eps}`;
}
