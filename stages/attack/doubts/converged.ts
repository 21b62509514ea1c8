/** Attacks that would have found more with more work. */
import { type AttackSetting, NOISE_NAMES, stepsOf } from '../../../schemas/attack-config.ts';
import type { Doubt } from '../../../schemas/attack-results.ts';
import type { Attacked, Fall } from './attacked.ts';
import { contradicts, familiesOf, isTold, percentOf } from './compare.ts';

/** An image that falls in the last fifth of the work fell late. */
const LATE = 0.8;

/** Below so many points there is no end to speak of. */
const LEAST_BUDGET = 10;

/** More images than this share fell late: it is told. */
const TOLD = 0.005;

/** They go through other classes one by one; those that fall to the last of them say nothing about steps. */
const BY_TARGETS: readonly string[] = ['apgd-t', 'fab-t'];

export function convergenceDoubts(attacked: readonly Attacked[]): Doubt[] {
  // More noise finds more: a baseline, which has no figure to come to rest at.
  const searches = attacked.filter(({ result }) => !NOISE_NAMES.some((noise) => noise === result.method));
  return [...betweenEfforts(searches), ...searches.flatMap(lateFalls)];
}

/** Settings that differ in steps, queries and restarts alone: the two that work hardest should agree. */
function betweenEfforts(attacked: readonly Attacked[]): Doubt[] {
  return familiesOf(attacked, 'steps', 'queries', 'restarts').flatMap((family): Doubt[] => {
    const [most, next] = [...family].sort((a, b) => effortOf(b.setting) - effortOf(a.setting));
    if (next === undefined || effortOf(next.setting) === effortOf(most!.setting)) return [];
    const [less, more] = [next.result, most!.result];
    const names = `${nameOf(next)} leaves ${less.robust} of ${less.n} images standing, ${nameOf(most!)} ${more.robust}`;
    if (less.robust - more.robust > 1 && isTold(less.robust - more.robust, more.n)) {
      const sentence = `${names}: more work still lowers accuracy, so that it has not been driven as low as it goes. Use more steps, queries or restarts until the figure stays, or auto-attack.`;
      return [{ kind: 'not-converged', sentence }];
    }
    if (!contradicts(more.robust, less.robust, more.n)) return [];
    const sentence = `${names}: more work finds less, so the attack gets stuck. Use another step size, random starts and restarts, or auto-attack.`;
    return [{ kind: 'order', sentence }];
  });
}

function effortOf(setting: AttackSetting): number {
  const { method, queries = 5000, restarts = 1 } = setting;
  return (stepsOf(setting) ?? 1) * (method === 'square' ? queries : 1) * restarts;
}

/** The name with what it leaves out where only that differs. */
function nameOf({ result, setting: { method, queries = 5000, restarts = 1 } }: Attacked): string {
  const extras = [
    ...(method === 'square' ? [`${queries} queries`] : []),
    ...(restarts > 1 ? [`${restarts} restarts`] : []),
  ];
  return extras.length === 0 ? result.name : `${result.name} (${extras.join(', ')})`;
}

/**
 * Many images that fall just before the end: others would have fallen after it. Of a cascade only the last attack is
 * looked at: what falls late in an earlier one goes on to those after it.
 */
function lateFalls({ result: { name, n }, falls }: Attacked): Doubt[] {
  return falls
    .slice(-1)
    .filter(({ attack }) => !BY_TARGETS.includes(attack))
    .flatMap((fall): Doubt[] => {
      const late = lateOf(fall);
      if (late < 2 || late <= TOLD * n) return [];
      const sentence = `${name}: of ${fall.queries.length} images that ${fall.attack} broke, ${late} (${percentOf(late, n)} % of all) fell in the last fifth of its ${fall.budget} queries, so that accuracy was still falling when it stopped. Give it ${2 * fall.budget!} or more by ${fall.attack === 'square' ? 'queries' : 'steps'} and restarts, until few images fall late.`;
      return [{ kind: 'not-converged', sentence }];
    });
}

function lateOf({ budget, queries }: Fall): number {
  if (budget === null || budget < LEAST_BUDGET) return 0;
  return queries.filter((asked) => asked > LATE * budget).length;
}
