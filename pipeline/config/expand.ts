/** Variants × matrix × command line -> one set of settings per variant, each knowing where its parts were written. */
import { type ExperimentFile, variantConfigSchema } from '../../schemas/config.ts';
import type { Json } from '../../schemas/stage.ts';
import { depthOf, layOver, nest, type Path, type Settings, showPath } from './settings.ts';

/** More than this is a slip: each variant is trained. */
export const MAX_VARIANTS = 1000;

/** Settings from one place. */
export interface Layer {
  settings: Settings;
  /** Names the place at which the setting with this path is written. */
  place(path: Path): string;
}

/** One variant before validation. */
export interface Draft {
  label: string;
  settings: Json;
  /** Lowest first. */
  layers: Layer[];
}

/** A setting given on the command line. */
export interface Override {
  dottedPath: string;
  value: Json;
}

/**
 * Every variant with every combination of the matrix, over the base settings and under the overrides. Without
 * variants there is one, named after the experiment (or after its combination alone).
 */
export function expand(
  base: Settings,
  file: Pick<ExperimentFile, 'name' | 'variants' | 'matrix'>,
  overrides: readonly Override[],
): Draft[] {
  const matrix = Object.entries(file.matrix ?? {});
  const variants = (file.variants ?? []).map((variant, i) => variantLayer(variant as Settings, i));
  const alone = { label: matrix.length > 0 ? '' : file.name, layers: [] };
  const above = overrides.map(overrideLayer);
  return (variants.length > 0 ? variants : [alone]).flatMap(({ label, layers }) =>
    combinations(matrix).map((combination) => {
      const all = [baseLayer(base), ...layers, ...combination.layers, ...above];
      const settings = all.reduce<Json>(
        (under, layer) => layOver(variantConfigSchema, under, layer.settings),
        {},
      );
      return { label: `${label}${combination.suffix}`.trim(), settings, layers: all };
    }),
  );
}

/** Number of variants that {@link expand} makes. */
export function countVariants(file: Pick<ExperimentFile, 'variants' | 'matrix'>): number {
  const sizes = Object.values(file.matrix ?? {}).map((values) => values.length);
  return sizes.reduce((product, size) => product * size, Math.max(1, file.variants?.length ?? 0));
}

/** Where the setting with this path was written: the uppermost layer that has it, or has the most of it. */
export function placeOf(layers: readonly Layer[], path: Path): string {
  let best = layers[0]!;
  let bestDepth = 0;
  for (const layer of layers) {
    const depth = depthOf(layer.settings, path);
    if (depth > bestDepth || (depth === path.length && depth > 0)) [best, bestDepth] = [layer, depth];
  }
  return best.place(path);
}

function baseLayer(settings: Settings): Layer {
  return { settings, place: (path) => showPath(path) };
}

function variantLayer(variant: Settings, position: number): { label: string; layers: Layer[] } {
  const { label, ...settings } = variant;
  return {
    label: String(label),
    layers: [{ settings, place: (path) => showPath(['variants', position, ...path]) }],
  };
}

function overrideLayer({ dottedPath, value }: Override): Layer {
  const place = (path: Path) => {
    const dotted = path.join('.');
    return `--set ${dottedPath.startsWith(`${dotted}.`) ? dottedPath : dotted}`;
  };
  return { settings: nest(dottedPath, value), place };
}

interface Combination {
  suffix: string;
  layers: Layer[];
}

/** Cartesian product; the setting named last changes fastest. */
function combinations(matrix: [string, Json[]][]): Combination[] {
  const shortNames = matrix.map(([dottedPath]) => dottedPath.split('.').at(-1)!);
  return matrix.reduce<Combination[]>(
    (sofar, [dottedPath, values], i) => {
      const isUnique = shortNames.filter((name) => name === shortNames[i]).length === 1;
      const name = isUnique ? shortNames[i] : dottedPath;
      return sofar.flatMap(({ suffix, layers }) =>
        values.map((value, j) => ({
          suffix: `${suffix} ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
          layers: [...layers, matrixLayer(dottedPath, value, j)],
        })),
      );
    },
    [{ suffix: '', layers: [] }],
  );
}

function matrixLayer(dottedPath: string, value: Json, position: number): Layer {
  const depth = dottedPath.split('.').length;
  const place = (path: Path) => showPath(['matrix', dottedPath, position, ...path.slice(depth)]);
  return { settings: nest(dottedPath, value), place };
}
