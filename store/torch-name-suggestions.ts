/**
 * Guesses which tensors of a file are those that were not found under their names: modules that hold tensors of the
 * same names and shapes, as many here as there, are taken for each other in order.
 */

interface NamedShape {
  name: string;
  shape: readonly number[];
}

/** A module or tensor of ours, and what it is called there. */
export type NamePair = [ours: string, theirs: string];

export function suggestNames(missing: readonly NamedShape[], unexpected: readonly NamedShape[]): NamePair[] {
  const pairs = pairUp(modulesOf(missing), modulesOf(unexpected), Number.POSITIVE_INFINITY);
  const isPaired = (side: 0 | 1, { name }: NamedShape) => pairs.some((pair) => pair[side] === moduleOf(name));
  // Single tensors of one shape are too alike to be told apart by their order.
  const single = pairUp(
    signatures(missing.filter((tensor) => !isPaired(0, tensor))),
    signatures(unexpected.filter((tensor) => !isPaired(1, tensor))),
    1,
  );
  return [...pairs, ...single];
}

const moduleOf = (name: string) => name.split('.').slice(0, -1).join('.');

/** What a module holds, by the module's name; tensors outside of modules are left out. */
function modulesOf(tensors: readonly NamedShape[]): Map<string, string> {
  const contents = new Map<string, string[]>();
  for (const { name, shape } of tensors) {
    const module = moduleOf(name);
    if (module === '') continue;
    contents.set(module, [...(contents.get(module) ?? []), `${name.slice(module.length)} ${shape}`]);
  }
  return new Map([...contents].map(([module, parts]) => [module, parts.sort().join()]));
}

function signatures(tensors: readonly NamedShape[]): Map<string, string> {
  return new Map(tensors.map(({ name, shape }) => [name, shape.join()]));
}

/** Pairs names whose signatures occur as often on both sides, `most` times at most. */
function pairUp(ours: Map<string, string>, theirs: Map<string, string>, most: number): NamePair[] {
  const namesWith = (side: Map<string, string>, signature: string) =>
    [...side.keys()]
      .filter((name) => side.get(name) === signature)
      .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return [...new Set(ours.values())].flatMap((signature): NamePair[] => {
    const here = namesWith(ours, signature);
    const there = namesWith(theirs, signature);
    if (here.length !== there.length || here.length > most) return [];
    return here.map((name, i) => [name, there[i]!]);
  });
}

/**
 * `blocks.3.qkv` -> `blocks.3.attn.qkv` and its like, for every number, become `blocks.*.qkv` -> `blocks.*.attn.qkv`.
 * A pattern may fit names that are not in the list.
 */
export function joinNumbers(pairs: readonly NamePair[]): Record<string, string> {
  const groups = new Map<string, NamePair[]>();
  for (const pair of pairs) {
    const pattern = patternOf(pair[0]);
    groups.set(pattern, [...(groups.get(pattern) ?? []), pair]);
  }
  const entries = [...groups].flatMap(([pattern, group]): NamePair[] => {
    const there = new Set(group.map(([, theirs]) => patternOf(theirs)));
    const isAlike = group.every(([ours, theirs]) => numbersIn(ours) === numbersIn(theirs));
    return group.length > 1 && there.size === 1 && isAlike ? [[pattern, [...there][0]!]] : group;
  });
  return Object.fromEntries(entries);
}

const isNumber = (part: string) => /^\d+$/.test(part);
const patternOf = (name: string) =>
  name
    .split('.')
    .map((part) => (isNumber(part) ? '*' : part))
    .join('.');
const numbersIn = (name: string) => name.split('.').filter(isNumber).join();
