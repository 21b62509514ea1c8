/** The words of `--attack` and what goes with them, as settings of the attack stage. */
import { closest } from 'fastest-levenshtein';
import {
  type AttackEntry,
  AUTO_ATTACK_VERSIONS,
  attackEntrySchema,
  attackNorm,
  METHOD_NAMES,
  type MethodName,
  PART_NAMES,
} from '../../../schemas/attack-config.ts';
import { attackMisfits, takesOption } from '../../../schemas/attack-fit.ts';
import type { ClassifierModel } from '../../../schemas/model.ts';
import type { AttackArguments } from './arguments.ts';
import { countOf, radiiOf, usage } from './numbers.ts';

const VERSIONS: readonly string[] = AUTO_ATTACK_VERSIONS.filter((version) => version !== 'custom');
const NONE = 'none';
const KNOWN = [...VERSIONS, ...METHOD_NAMES.filter((name) => name !== 'auto-attack'), NONE];

/** One attack, before its norm and radii. */
interface Chosen {
  method: MethodName;
  version?: string;
  attacks?: string[];
}

const OPTIONS = ['steps', 'restarts', 'queries', 'targeted', 'minimal', 'from'] as const;
type OptionName = (typeof OPTIONS)[number];

/** The attacks that the words ask for; none for `none`. Each has those of the options that it looks at. */
export function entriesOf(args: AttackArguments): AttackEntry[] {
  const chosen = chosenOf(args.attack);
  if (chosen.length === 0) return refuseIdle(args);
  const [norm, eps] = [normOf(args.norm), radiiOf(args.eps)];
  const entries = chosen.map((attack) => attackEntrySchema.parse({ ...attack, norm, eps }));
  const { targeted, minimal, from } = args;
  const options: Pick<AttackEntry, OptionName> = {
    ...countsOf(args),
    targeted,
    minimal,
    from: from === undefined ? undefined : { model: from },
  };
  // From the image itself every attempt of PGD is the same.
  for (const entry of entries) entry.randomStart = entry.method === 'pgd' && args.restarts !== undefined;
  for (const name of OPTIONS) {
    const value = options[name];
    if (value === undefined || value === false) continue;
    const users = entries.filter((entry) => takesOption(name, entry));
    // Where no attack looks at it, `requireSense` says so of the first.
    for (const entry of users.length > 0 ? users : entries.slice(0, 1))
      Object.assign(entry, { [name]: value });
  }
  return entries;
}

function countsOf(args: AttackArguments) {
  const [steps, restarts, queries] = (['steps', 'restarts', 'queries'] as const).map((name) =>
    countOf(name, args[name]),
  );
  return { steps, restarts, queries };
}

/** Refuses what does not go together, or not with the model. */
export function requireSense(
  entries: readonly AttackEntry[],
  { shape, classNames }: Pick<ClassifierModel, 'shape' | 'classNames'>,
): void {
  const classes = classNames.length;
  const [misfit] = entries.flatMap((entry) => attackMisfits(entry, { shape, classes }));
  if (misfit !== undefined) {
    const { path, expected, found } = misfit;
    const option = path[0] === 'method' || path[0] === 'attacks' ? 'attack' : path[0];
    throw usage(`Expected for --${option} ${expected}, got ${found}.`);
  }
  const wide = entries.find(({ norm }) => norm === 'Linf')?.eps.find((radius) => radius > 1);
  if (wide === undefined || shape.length !== 3) return;
  throw usage(`Expected --eps in the units of the images, [0, 1], got ${wide}; did you mean ${wide}/255?`);
}

/** The attacks that the words name; those of a cascade become one. */
function chosenOf(text: string): Chosen[] {
  const words = text.split(',').map((word) => word.trim());
  for (const word of words) {
    if (KNOWN.includes(word)) continue;
    const known = `${VERSIONS.join(', ')}, ${NONE} or a method (${KNOWN.filter(isMethod).join(', ')})`;
    throw usage(`Expected --attack to be ${known}, got "${word}"; did you mean ${closest(word, KNOWN)}?`);
  }
  const twice = words.find((word, i) => words.indexOf(word) !== i);
  if (twice !== undefined) throw usage(`Expected --attack to name each attack once, got ${twice} twice.`);
  if (words.includes(NONE)) {
    if (words.length === 1) return [];
    throw usage(`Expected --attack none by itself, got ${text}; the clean accuracy is measured in any case.`);
  }
  const isCascade = words.length > 1 && words.every((word) => PART_NAMES.some((part) => part === word));
  if (isCascade) return [{ method: 'auto-attack', version: 'custom', attacks: words }];
  return words.map((word) =>
    VERSIONS.includes(word) ? { method: 'auto-attack', version: word } : { method: word as MethodName },
  );
}

const isMethod = (word: string) => METHOD_NAMES.some((method) => method === word);

function normOf(text: string): string {
  const known = attackNorm.options;
  if (known.some((norm) => norm === text)) return text;
  throw usage(
    `Expected --norm to be ${known.join(', ')}, got "${text}"; did you mean ${nearest(text, known)}?`,
  );
}

/** Of two that are equally near, the one that differs in the size of letters alone. */
function nearest(text: string, known: readonly string[]): string {
  const folded = known.map((name) => name.toLowerCase());
  return known[folded.indexOf(closest(text.toLowerCase(), folded))]!;
}

/** Without an attack there is nothing that these could be for. */
function refuseIdle(args: AttackArguments): [] {
  const option = (['eps', ...OPTIONS] as const).find(
    (name) => args[name] !== undefined && args[name] !== false,
  );
  if (option === undefined) return [];
  throw usage(`Expected --${option} with an attack, got --attack none; leave one out.`);
}
