/**
 * AutoAttack (Croce and Hein 2020): attacks one after the other, each on the images that all before it left standing.
 * How often each of them tries is as the official code has it (`set_version`).
 */
import {
  type AttackSetting,
  PART_NAMES,
  type PartName,
  partsOf,
  USUAL_QUERIES,
} from '../../../schemas/attack-config.ts';

/** One attack at one ε, with what only AutoAttack can ask of it. */
export type Part = AttackSetting & {
  /**
   * apgd, L1: climbs in balls of 3 ε and 2 ε first (Croce and Hein 2021, section 3.3).
   * @default false
   */
  shrinkingBall?: boolean;
};
type Effort = Partial<Pick<Part, 'restarts' | 'targets' | 'queries' | 'draws' | 'shrinkingBall'>>;

/** As the official code constructs them, before a version changes anything. */
const USUAL: Record<PartName, Effort> = {
  'apgd-ce': { restarts: 5 },
  'apgd-dlr': { restarts: 5 },
  'apgd-t': { restarts: 1, targets: 9 },
  fab: { restarts: 5 },
  'fab-t': { restarts: 1, targets: 9 },
  square: { restarts: 1, queries: USUAL_QUERIES },
};

type Changes = Partial<Record<PartName, Effort>>;

/** What a version changes. */
function changesOf({ version, norm, restarts, draws, targets, queries }: AttackSetting): Changes {
  switch (version) {
    case 'standard':
      return norm === 'L1'
        ? { 'apgd-ce': { shrinkingBall: true }, 'apgd-t': { targets: 5, shrinkingBall: true } }
        : { 'apgd-ce': { restarts: 1 } };
    case 'plus':
      return {};
    case 'rand': {
      // Gradients of a randomised classifier are averaged over draws (expectation over transformation).
      const averaged = { restarts: 1, draws: 20 };
      return { 'apgd-ce': averaged, 'apgd-dlr': averaged };
    }
    case 'custom': {
      const given = Object.entries({ restarts, draws, targets, queries });
      const own = Object.fromEntries(given.filter(([, value]) => value !== undefined));
      return Object.fromEntries(PART_NAMES.map((name) => [name, own]));
    }
  }
}

/** The attacks of `auto-attack` in their order, each as a setting of its own. */
export function autoAttack(setting: AttackSetting): Part[] {
  const { norm, eps, steps, relativeStep, loss, targeted, randomStart, version, minimal, from } = setting;
  const shared = { norm, eps, steps, relativeStep, loss, targeted, randomStart, version, minimal, from };
  const changes = changesOf(setting);
  return partsOf(setting).map((method) => ({ ...shared, method, ...USUAL[method], ...changes[method] }));
}
