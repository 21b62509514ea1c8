/** The words of `pipeline model import` as values: shape, classes, normalisation. */
import { numberedClasses } from '../../../schemas/dataset.ts';
import type { ScoreModelDescription } from '../../../schemas/model.ts';
import type { Normalization } from '../../../schemas/network-config.ts';
import { readOptionFile, usage } from './option-file.ts';

/** A first side of at most so many before a last one of more is PyTorch's order, channels first. */
const MOST_CHANNELS = 4;

/** `32x32x3` -> [32, 32, 3]; a point is one number. */
export function parseShape(text: string): number[] {
  const shape = text.split('x').map(Number);
  const isShape = /^\d+(x\d+x\d+)?$/.test(text) && shape.every((side) => side > 0);
  if (!isShape) {
    throw usage(
      `Expected --shape as HEIGHTxWIDTHxCHANNELS (32x32x3), or as one number for points, got ${text}.`,
    );
  }
  const [first, second, last] = shape as [number, number, number];
  if (shape.length === 3 && first <= MOST_CHANNELS && last > MOST_CHANNELS) {
    throw usage(
      `Expected --shape as HEIGHTxWIDTHxCHANNELS, got ${text}, which has the channels first; did you mean ${second}x${last}x${first}?`,
    );
  }
  return shape;
}

/** A number of classes, their names with commas between them, or a file with one name per line. */
export function parseClasses(text: string): string[] {
  const names = namesOf(text);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw usage(`Expected --classes to name each class once, got ${twice} twice in ${text}.`);
  }
  if (names.length < 2) {
    throw usage(`Expected --classes to give at least 2 classes, got ${names.length} from ${text}.`);
  }
  return names;
}

/** `FACTOR,SHIFT` of what a score model sees: pixels in [0, 1] · factor + shift. */
export function parseScale(text: string): { factor: number; shift: number } {
  const values = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [factor, shift] = values as [number, number];
  if (values.length === 2 && values.every(Number.isFinite) && factor > 0) return { factor, shift };
  throw usage(
    `Expected --scale as FACTOR,SHIFT with a factor > 0 (2,-1 for networks that see [-1, 1]), got ${text}.`,
  );
}

function namesOf(text: string): string[] {
  if (/^\d+$/.test(text)) return numberedClasses(Number(text));
  const isList = text.includes(',');
  const forms = 'a number, as names with commas between them, or as a file with a name per line';
  const list = isList ? text : readOptionFile('--classes', text, forms);
  return list
    .split(isList ? ',' : /\r?\n/)
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/**
 * `--mean` and `--std` as for torchvision's Normalize; one number stands for all channels.
 *
 * @returns undefined where neither is given
 */
export function parseNormalization(
  mean: string | undefined,
  std: string | undefined,
  channels: number,
): Normalization | undefined {
  if (mean === undefined && std === undefined) return undefined;
  return {
    mean: perChannel('--mean', 'numbers', mean ?? '0', channels, () => true),
    std: perChannel('--std', 'numbers > 0', std ?? '1', channels, (value) => value > 0),
  };
}

function perChannel(
  option: string,
  kind: string,
  text: string,
  channels: number,
  isLegal: (value: number) => boolean,
): number | number[] {
  const values = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const fits = values.length === 1 || values.length === channels;
  if (!fits || !values.every((value) => Number.isFinite(value) && isLegal(value))) {
    const many = channels === 1 ? 'one' : `one, or ${channels} with commas between them`;
    throw usage(
      `Expected ${option} to give ${kind} in the units of the pixels, [0, 1] (${many}), got ${text}.`,
    );
  }
  return values.length === 1 ? values[0]! : values;
}

/** `x · 2 - 1` */
export function scaleText(what: string, { factor, shift }: ScoreModelDescription['scale']): string {
  return `${what} · ${factor} ${shift < 0 ? '-' : '+'} ${Math.abs(shift)}`;
}
