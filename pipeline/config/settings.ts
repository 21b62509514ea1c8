/** Settings as they are written in a file, before validation: nested values, their paths, and laying one over another. */
import type * as z from 'zod';
import type { Json } from '../../schemas/stage.ts';
import { childSchema, defaultOf, isDiscriminatedUnion } from './schema-tree.ts';

export type Settings = { [key: string]: Json };
export type Path = readonly (string | number)[];

/** Whether a value is a mapping, and not a list or a single value. */
export function isMapping(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `['attack', 'attacks', 0, 'eps']` -> `attack.attacks[0].eps`. */
export function showPath(path: Path): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${part}`))
    .join('');
}

/** The value at a path, or undefined where there is none. */
export function valueAt(settings: unknown, path: Path): unknown {
  let value = settings;
  for (const part of path) {
    const isInside = typeof value === 'object' && value !== null && Object.hasOwn(value, part);
    if (!isInside) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

/** How many leading parts of the path exist in the settings. */
export function depthOf(settings: unknown, path: Path): number {
  let depth = 0;
  while (depth < path.length && valueAt(settings, path.slice(0, depth + 1)) !== undefined) depth++;
  return depth;
}

/** `train.lambda`, 5 -> `{ train: { lambda: 5 } }`. */
export function nest(dottedPath: string, value: Json): Settings {
  // fromEntries defines own properties, so that a part named `__proto__` is an ordinary unknown setting.
  const parts = dottedPath.split('.');
  return parts.reduceRight<Json>((inner, part) => Object.fromEntries([[part, inner]]), value) as Settings;
}

/**
 * Lays settings over others: mappings are joined, everything else is replaced. Where the schema offers several
 * kinds and `kind` changes, the whole section is replaced, because the settings of one kind mean nothing to
 * another. A mapping whose keys are positions changes those entries of a list.
 * What is not given below is its default.
 */
export function layOver(schema: z.core.$ZodType | undefined, base: Json | undefined, over: Json): Json {
  if (!isMapping(over)) return over;
  let under = base ?? defaultOf(schema);
  if (Array.isArray(under)) return layOverEntries(schema, under, over);
  const isSwitched = over.kind !== undefined && isMapping(under) && under.kind !== over.kind;
  if (isSwitched && schema !== undefined && isDiscriminatedUnion(schema)) under = undefined;
  const settings = isMapping(under) ? under : {};
  const joined = Object.entries(over).map(([key, value]): [string, Json] => {
    const known = Object.hasOwn(settings, key) ? settings[key] : undefined;
    return [key, layOver(childSchema(schema, key), known, value)];
  });
  return Object.fromEntries([...Object.entries(settings), ...joined]);
}

function layOverEntries(schema: z.core.$ZodType | undefined, base: Json[], over: Settings): Json {
  const isPosition = (key: string) => /^\d+$/.test(key) && Number(key) < base.length;
  if (!Object.keys(over).every(isPosition)) return over;
  return base.map((entry, i) => {
    const change = over[String(i)];
    return change === undefined ? entry : layOver(childSchema(schema, i), entry, change);
  });
}
