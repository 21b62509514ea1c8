/**
 * Finds the tensors of a network in a PyTorch state_dict: behind a prefix such as `module.`, which is found by
 * itself, and under other names, which a map gives.
 */
import { joinNumbers, suggestNames } from './torch-name-suggestions.ts';

/** A tensor as a list shows it; the shape is PyTorch's. */
export interface NamedShape {
  name: string;
  shape: readonly number[];
}

export interface NameOptions {
  /** What stands before every name; looked for if left out. */
  prefix?: string | undefined;
  /** Their name of a tensor or module of ours; `*` stands for one part of the name, the same on both sides. */
  map?: Readonly<Record<string, string>>;
  /** Tensors or modules of theirs that are left out. */
  ignore?: readonly string[];
}

/** Where the tensors of a network are in a file, and what does not fit. Names of theirs stand without the prefix. */
export interface NameMatch {
  prefix: string;
  /** Their full name by ours. */
  names: Map<string, string>;
  /** Of ours; `wanted` is the name that was looked for. */
  missing: (NamedShape & { wanted: string })[];
  unexpected: NamedShape[];
  /** Right name, other shape; `found` is theirs. */
  misshapen: (NamedShape & { found: readonly number[] })[];
  /** Of `ignore`, those that no tensor is or lies in. */
  idle: string[];
  /** A map that would help, by shapes; empty if none is found. */
  suggestion: Record<string, string>;
}

/** Whether `name` is the tensor `path`, or lies in the module `path`. */
function isWithin(name: string, path: string): boolean {
  return name === path || name.startsWith(`${path}.`);
}

/** Their name of one of ours: the longest entry of the map that fits decides, else it is the same. */
export function mapName(name: string, map: Readonly<Record<string, string>>): string {
  const parts = name.split('.');
  let best: { length: number; name: string } = { length: 0, name };
  for (const [ours, theirs] of Object.entries(map)) {
    const pattern = ours.split('.');
    if (pattern.length <= best.length || pattern.length > parts.length) continue;
    if (!pattern.every((part, i) => part === '*' || part === parts[i])) continue;
    const stars = parts.filter((_, i) => pattern[i] === '*');
    const named = theirs.split('.').map((part) => (part === '*' ? (stars.shift() ?? part) : part));
    best = { length: pattern.length, name: [...named, ...parts.slice(pattern.length)].join('.') };
  }
  return best.name;
}

/**
 * @param ours tensors that the network needs
 * @param counters names of ours that a file may lack (PyTorch's `num_batches_tracked`)
 * @param theirs tensors of the file; its other counters are never unexpected
 */
export function matchNames(
  ours: readonly NamedShape[],
  counters: readonly string[],
  theirs: readonly NamedShape[],
  { prefix, map = {}, ignore = [] }: NameOptions = {},
): NameMatch {
  const behind = (one: string, names: Readonly<Record<string, string>>) =>
    matchBehind(one, ours, counters, theirs, names, ignore);
  const prefixes = prefix === undefined ? possiblePrefixes(ours, theirs, map) : [prefix];
  // The first one that has everything; else the one that comes nearest, for the message.
  const best = prefixes.map((one) => behind(one, map)).reduce((a, b) => (lacks(b) < lacks(a) ? b : a));
  const pairs = suggestNames(best.missing, best.unexpected);
  const lacksWith = (names: object) => lacks(behind(best.prefix, { ...map, ...names }));
  const [joined, listed] = [joinNumbers(pairs), Object.fromEntries(pairs)];
  return { ...best, suggestion: lacksWith(joined) <= lacksWith(listed) ? joined : listed };
}

const lacks = ({ missing, misshapen }: NameMatch) => missing.length + misshapen.length;

/** '' and everything that stands before a name of ours in the file. */
function possiblePrefixes(
  ours: readonly NamedShape[],
  theirs: readonly NamedShape[],
  map: Readonly<Record<string, string>>,
): string[] {
  const wanted = new Set(ours.map(({ name }) => mapName(name, map)));
  const prefixes = new Set(['']);
  for (const { name } of theirs) {
    const parts = name.split('.');
    for (let i = 1; i < parts.length; i++) {
      if (wanted.has(parts.slice(i).join('.'))) prefixes.add(`${parts.slice(0, i).join('.')}.`);
    }
  }
  return [...prefixes];
}

function matchBehind(
  prefix: string,
  ours: readonly NamedShape[],
  counters: readonly string[],
  theirs: readonly NamedShape[],
  map: Readonly<Record<string, string>>,
  ignore: readonly string[],
): NameMatch {
  const shapes = new Map(theirs.map(({ name, shape }) => [name, shape]));
  const match: NameMatch = {
    prefix,
    names: new Map(),
    missing: [],
    unexpected: [],
    misshapen: [],
    idle: [],
    suggestion: {},
  };
  for (const { name, shape } of ours) {
    const wanted = mapName(name, map);
    const found = shapes.get(prefix + wanted);
    if (found === undefined) match.missing.push({ name, shape, wanted });
    else {
      match.names.set(name, prefix + wanted);
      if (found.join() !== shape.join()) match.misshapen.push({ name, shape, found });
    }
  }
  for (const name of counters) {
    const wanted = prefix + mapName(name, map);
    if (shapes.has(wanted)) match.names.set(name, wanted);
  }
  const used = new Set(match.names.values());
  const short = (name: string) => (name.startsWith(prefix) ? name.slice(prefix.length) : name);
  const isIn = (name: string, path: string) => isWithin(short(name), path) || isWithin(name, path);
  for (const { name, shape } of theirs) {
    if (used.has(name) || /(^|\.)num_batches_tracked$/.test(name)) continue;
    if (!ignore.some((path) => isIn(name, path))) match.unexpected.push({ name: short(name), shape });
  }
  match.idle = ignore.filter((path) => !theirs.some(({ name }) => isIn(name, path)));
  return match;
}
