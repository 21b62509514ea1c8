/** Whether an attack can be made on such data, and which settings are for which attack. */
import { type AttackEntry, type MethodName, PART_NAMES, partsOf } from './attack-config.ts';

/** A setting that does not go with others; `path` is relative to the attack. */
export interface AttackMisfit {
  path: string[];
  expected: string;
  found: string;
}

/** Classes that an attack needs at least, where it needs more than two. */
const CLASSES: Partial<Record<MethodName, number>> = { 'apgd-dlr': 3, 'apgd-t': 4 };

const NEEDS_IMAGES: readonly MethodName[] = ['square', 'salt-and-pepper'];

/** Settings that only some methods look at. */
const METHODS_OF = {
  steps: ['pgd', 'apgd-ce', 'apgd-dlr', 'apgd-t', 'fab', 'fab-t'],
  stepSize: ['pgd'],
  randomStart: ['pgd'],
  targeted: ['fgsm', 'r-fgsm', 'pgd', 'square'],
  restarts: ['r-fgsm', 'pgd', ...PART_NAMES, 'gaussian-noise', 'uniform-noise', 'salt-and-pepper'],
  draws: ['apgd-ce', 'apgd-dlr', 'apgd-t'],
  targets: ['apgd-t', 'fab-t'],
  queries: ['square'],
  minimal: ['fab', 'fab-t'],
  // Those that can climb on past the border of the model that they see.
  from: ['fgsm', 'pgd', 'apgd-ce', 'apgd-dlr'],
} as const satisfies Partial<Record<keyof AttackEntry, readonly MethodName[]>>;
type OptionName = keyof typeof METHODS_OF;

/** What AutoAttack in version `custom` hands on to its attacks. */
const HANDED_ON: readonly OptionName[] = ['steps', 'restarts', 'draws', 'targets', 'queries'];

/**
 * What of an attack does not go together, or not with the data.
 *
 * @param shape of one input, where it is known
 * @param classes of the classifier, where they are known
 */
export function attackMisfits(
  entry: AttackEntry,
  { shape, classes }: { shape?: readonly number[] | undefined; classes?: number | undefined },
): AttackMisfit[] {
  return [
    ...idleOptions(entry),
    ...listMisfits(entry),
    ...(shape === undefined ? [] : shapeMisfits(entry, shape)),
    ...(classes === undefined ? [] : classMisfits(entry, classes)),
  ];
}

/** The attacks that are made: those of AutoAttack, or the one. */
function methodsOf(entry: AttackEntry): readonly MethodName[] {
  return entry.method === 'auto-attack' ? partsOf(entry) : [entry.method];
}

/** Settings that nothing would look at. */
function idleOptions(entry: AttackEntry): AttackMisfit[] {
  return (Object.keys(METHODS_OF) as OptionName[]).flatMap((option) => {
    const value = entry[option];
    if (value === undefined || value === false || takesOption(option, entry)) return [];
    const found = typeof value === 'object' ? value.model : String(value);
    return [{ path: [option], expected: `nothing, because ${reasonFor(option, entry)}`, found }];
  });
}

/** Whether an attack looks at a setting. */
export function takesOption(option: OptionName, entry: AttackEntry): boolean {
  const isHanded =
    entry.method !== 'auto-attack' || (entry.version === 'custom' && HANDED_ON.includes(option));
  return isHanded && methodsOf(entry).some((method) => METHODS_OF[option].some((name) => name === method));
}

function reasonFor(option: OptionName, { method, version }: AttackEntry): string {
  const isFixed = method === 'auto-attack' && version !== 'custom' && HANDED_ON.includes(option);
  return isFixed
    ? `version ${version} of auto-attack has its own (version custom takes yours)`
    : `${option} is for ${METHODS_OF[option].join(', ')}`;
}

function listMisfits({ method, version, attacks, restarts, from }: AttackEntry): AttackMisfit[] {
  const isCustom = method === 'auto-attack' && version === 'custom';
  const misfits: AttackMisfit[] = [];
  if (isCustom && attacks === undefined) {
    misfits.push({
      path: ['attacks'],
      expected: `a list of ${PART_NAMES.join(', ')}, because version is custom`,
      found: 'nothing',
    });
  }
  if (!isCustom && attacks !== undefined) {
    const expected = 'nothing, because only auto-attack in version custom takes a list';
    misfits.push({ path: ['attacks'], expected, found: attacks.join(', ') });
  }
  const twice = attacks?.find((name, i) => attacks.indexOf(name) !== i);
  if (isCustom && twice !== undefined) {
    misfits.push({ path: ['attacks'], expected: 'each attack once', found: `${twice} twice` });
  }
  if (from !== undefined && restarts !== undefined && restarts > 1) {
    const expected = '1, because images made on another model are tried once';
    misfits.push({ path: ['restarts'], expected, found: String(restarts) });
  }
  return misfits;
}

function shapeMisfits(entry: AttackEntry, shape: readonly number[]): AttackMisfit[] {
  if (shape.length === 3) return [];
  return methodsOf(entry)
    .filter((method) => NEEDS_IMAGES.includes(method))
    .map((method) => ({
      path: ['method'],
      expected: `an attack for points, because ${method} is for images${advice(entry)}`,
      found: entry.method,
    }));
}

function classMisfits(entry: AttackEntry, classes: number): AttackMisfit[] {
  const methods = methodsOf(entry);
  const needy = methods.filter((method) => classes < (CLASSES[method] ?? 2));
  const misfits: AttackMisfit[] = needy.map((method) => ({
    path: ['method'],
    expected: `an attack for ${classes} classes, because ${method} needs ${CLASSES[method]}${advice(entry)}`,
    found: entry.method,
  }));
  const { loss, targeted, targets } = entry;
  const least = targeted ? 4 : 3;
  const usesLoss = ['fgsm', 'r-fgsm', 'pgd'].includes(entry.method);
  if (usesLoss && loss === 'dlr' && classes < least) {
    const expected = `ce or margin, because ${targeted ? 'targeted ' : ''}dlr needs ${least} classes and there are ${classes}`;
    misfits.push({ path: ['loss'], expected, found: 'dlr' });
  }
  if (targets !== undefined && targets > classes - 1) {
    const expected = `at most ${classes - 1}, as there are ${classes} classes and the own one is left out`;
    misfits.push({ path: ['targets'], expected, found: String(targets) });
  }
  return misfits;
}

function advice({ method, version }: AttackEntry): string {
  return method === 'auto-attack' && version !== 'custom'
    ? ' (version custom takes a list of those that fit, e.g. apgd-ce and fab)'
    : '';
}
