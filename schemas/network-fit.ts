/**
 * Whether a network takes the images of a data set: arithmetic on shapes, so that a misfit is told before anything
 * runs. Shapes are [height, width, channels] of an image, [length] of a vector.
 */
import type { LayerConfig } from './layer-config.ts';
import type { ClassifierConfig } from './network-config.ts';
import { sizeOf } from './shape.ts';

export type Shape = readonly number[];

/** The setting below `train.network` that does not fit. */
export interface Misfit {
  path: (string | number)[];
  expected: string;
  found: string;
}

const show = (shape: Shape) => `[${shape.join(', ')}]`;

/** Side behind a window that is moved by `stride`, as many times as it fits. */
const moved = (side: number, window: number, stride: number) => Math.floor((side - window) / stride) + 1;

/** Zeros on each side of an image in front of a convolution. */
export const paddingOf = ({ kernel, padding }: { kernel: number; padding?: number | undefined }) =>
  padding ?? kernel >> 1;

/**
 * Shape behind a layer, or in words what the layer takes.
 *
 * @param classes NaN where not known
 */
function shapeBehind(layer: LayerConfig, shape: Shape, classes: number): Shape | string {
  const [height, width, channels] = shape as [number, number, number];
  const isImage = shape.length === 3;
  switch (layer.kind) {
    case 'conv': {
      if (!isImage) return 'an image';
      const [side, border] = [layer.kernel, 2 * paddingOf(layer)];
      const least = side - border;
      if (Math.min(height, width) < least) return `an image of at least ${least} × ${least}`;
      const sides = [height, width].map((length) => moved(length + border, side, layer.stride));
      return [...sides, layer.channels];
    }
    case 'max-pool':
    case 'avg-pool': {
      const { size, stride = size } = layer;
      if (!isImage || Math.min(height, width) < size) return `an image of at least ${size} × ${size}`;
      return [moved(height, size, stride), moved(width, size, stride), channels];
    }
    case 'global-avg-pool':
      return isImage ? [channels] : 'an image';
    case 'group-norm':
      return isImage && channels % layer.groups === 0
        ? shape
        : `an image whose channels are a multiple of ${layer.groups}`;
    case 'flatten':
      return [sizeOf(shape)];
    case 'layer-norm':
      return isImage ? 'a vector (as flatten gives)' : shape;
    case 'dense':
      return isImage ? 'a vector (as flatten and global-avg-pool give)' : [layer.units ?? classes];
    default:
      return shape;
  }
}

/**
 * Shapes in front of each layer and behind the last, or the first misfit.
 *
 * @param classes left out where not known
 */
export function layerShapes(
  layers: readonly LayerConfig[],
  shape: Shape,
  classes?: number,
): Shape[] | Misfit {
  const shapes = [shape];
  for (const [i, layer] of layers.entries()) {
    const before = shapes[i]!;
    const behind = shapeBehind(layer, before, classes ?? Number.NaN);
    if (typeof behind === 'string') {
      return { path: ['layers', i], expected: `${behind} in front of ${layer.kind}`, found: show(before) };
    }
    shapes.push(behind);
  }
  const last = shapes.at(-1)!;
  const fits = last.length === 1 && (classes === undefined || last[0] === classes);
  if (fits) return shapes;
  const each = classes === undefined ? 'one value' : `one value, [${classes}],`;
  return {
    path: ['layers', layers.length - 1],
    expected: `${each} for each class behind the last layer, which dense without units makes`,
    found: show(last),
  };
}

/** Prefixes of names that are numbered by kind. */
const NUMBERED: Partial<Record<LayerConfig['kind'], string>> = {
  conv: 'conv',
  dense: 'fc',
  'batch-norm': 'bn',
  'layer-norm': 'ln',
  'group-norm': 'gn',
};

/** The name of each layer, for its tensors; those without tensors have none in the end. */
export function layerNames({ layers, naming }: Extract<ClassifierConfig, { kind: 'cnn' }>): string[] {
  const numbers = new Map<string, number>();
  return layers.map((layer, i) => {
    const prefix = NUMBERED[layer.kind];
    if (prefix === undefined) return '';
    const number = (numbers.get(prefix) ?? 0) + 1;
    numbers.set(prefix, number);
    const given = 'name' in layer ? layer.name : undefined;
    return given ?? (naming === 'index' ? String(i) : `${prefix}${number}`);
  });
}

function cnnMisfit(
  config: Extract<ClassifierConfig, { kind: 'cnn' }>,
  shape: Shape,
  classes?: number,
): Misfit | null {
  const names = layerNames(config);
  const twice = names.findIndex((name, i) => name !== '' && names.indexOf(name) < i);
  if (twice >= 0) {
    return { path: ['layers', twice, 'name'], expected: 'a name of its own', found: names[twice]! };
  }
  const shapes = layerShapes(config.layers, shape, classes);
  return Array.isArray(shapes) ? null : shapes;
}

function vitMisfit(
  { patch, width, heads }: Extract<ClassifierConfig, { kind: 'vit' }>,
  shape: Shape,
): Misfit | null {
  const [rows, columns] = shape as [number, number];
  if (rows % patch !== 0 || columns % patch !== 0) {
    const expected = `a divisor of the images' sides, ${rows} and ${columns}`;
    return { path: ['patch'], expected, found: String(patch) };
  }
  if (width % heads === 0) return null;
  return { path: ['heads'], expected: `a divisor of the width, ${width}`, found: String(heads) };
}

/**
 * The first thing that does not fit, or null.
 *
 * @param shape of one input
 * @param classes left out where not known
 */
export function networkMisfit(config: ClassifierConfig, shape: Shape, classes?: number): Misfit | null {
  if (config.kind === 'mlp') return null;
  if (shape.length !== 3) {
    return { path: ['kind'], expected: 'mlp, because the data are points', found: config.kind };
  }
  if (config.kind === 'cnn') return cnnMisfit(config, shape, classes);
  return config.kind === 'vit' ? vitMisfit(config, shape) : null;
}
