/** Attacks that would have found more with more work. */
import { type AttackSetting, NOISE_NAMES, stepsOf, USUAL_QUERIES } from '../../../schemas/attack-config.ts';
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
  return [...betweenEfforts(searches), ...lateFalls(searches)];
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
  const { method, queries = USUAL_QUERIES, restarts = 1 } = setting;
  return (stepsOf(setting) ?? 1) * (method === 'square' ? queries : 1) * restarts;
}

/** The name with what it leaves out where only that differs. */
function nameOf({ result, setting: { method, queries = USUAL_QUERIES, restarts = 1 } }: Attacked): string {
  const extras = [
    ...(method === 'square' ? [`${queries} queries`] : []),
    ...(restarts > 1 ? [`${restarts} restarts`] : []),
  ];
  return extras.length === 0 ? result.name : `${result.name} (${extras.join(', ')})`;
}

/** An attack under which many images fell just before its end. */
interface LateFall {
  name: string;
  n: number;
  attack: string;
  budget: number;
  fallen: number;
  late: number;
}

/**
 * Many images that fall just before the end: others would have fallen after it. Of a cascade only the last attack is
 * looked at: what falls late in an earlier one goes on to those after it. Attacks of equal budgets share a sentence.
 */
function lateFalls(attacked: readonly Attacked[]): Doubt[] {
  const found = attacked.flatMap(lateFallsOf);
  const budgets = new Set(found.map(({ attack, budget }) => `${attack} ${budget}`));
  return [...budgets].map((each): Doubt => {
    const alike = found.filter(({ attack, budget }) => `${attack} ${budget}` === each);
    const { attack, budget } = alike[0]!;
    const more = `so that accuracy was still falling when it stopped. Give it ${2 * budget} or more by ${attack === 'square' ? 'queries' : 'steps'} and restarts, until few images fall late.`;
    return {
      kind: 'not-converged',
      sentence: `${whoFell(alike)} fell in the last fifth of its ${budget} queries, ${more}`,
    };
  });
}

function whoFell(alike: readonly LateFall[]): string {
  const [{ name, n, attack, fallen, late }] = alike as [LateFall];
  if (alike.length === 1) {
    return `${name}: of ${fallen} images that ${attack} broke, ${late} (${percentOf(late, n)} % of all)`;
  }
  const each = alike.map((fall) => `${fall.late} of ${fall.fallen} (${fall.name})`);
  return `${attack}: of the images that it broke, ${each.join(', ')}`;
}

function lateFallsOf({ result: { name, n }, falls }: Attacked): LateFall[] {
  return falls
    .slice(-1)
    .filter(({ attack }) => !BY_TARGETS.includes(attack))
    .map((fall) => ({
      name,
      n,
      attack: fall.attack,
      budget: fall.budget ?? 0,
      fallen: fall.queries.length,
      late: lateOf(fall),
    }))
    .filter(({ late }) => late >= 2 && late > TOLD * n);
}

function lateOf({ budget, queries }: Fall): number {
  if (budget === null || budget < LEAST_BUDGET) return 0;
  return queries.filter((asked) => asked > LATE * budget).length;
}
