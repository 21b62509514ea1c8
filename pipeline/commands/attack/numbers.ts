/** Numbers of the command line, or a sentence that says what was expected. */
import { PipelineError } from '../../../schemas/errors.ts';
import { distance } from '../../../schemas/setting-types.ts';

export function usage(sentence: string): PipelineError {
  return new PipelineError('USAGE', `${sentence} \`pipeline attack --help\` explains it.`);
}

/** A whole number >= 1; undefined where none is given. */
export function countOf(option: string, value: number | undefined): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= 1)) return value;
  throw usage(`Expected --${option} to be a whole number >= 1, got ${shown(value)}.`);
}

const MOST_SEED = 2 ** 32 - 1;

export function seedOf(value: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= MOST_SEED) return value;
  throw usage(`Expected --seed to be a whole number from 0 to ${MOST_SEED}, got ${shown(value)}.`);
}

const shown = (value: number) => (Number.isNaN(value) ? 'something else' : value);

/** `0.5` or `8/255`; null for anything that is no number > 0. */
export function distanceOf(text: string): number | null {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  const { success, data } = distance.safeParse(Number.isNaN(number) ? text : number);
  return success && Number.isFinite(data) ? data : null;
}

/** Radii with commas between them, each with the text that it was given as. */
export function radiiOf(text: string | undefined): number[] {
  if (text === undefined) {
    throw usage('Expected --eps, the radius of the attack in the units of the data (8/255), found none.');
  }
  return text.split(',').map((part) => {
    const radius = distanceOf(part);
    if (radius !== null) return radius;
    const forms = 'numbers > 0 or fractions such as 8/255, with commas between them';
    throw usage(`Expected --eps to be ${forms}, got "${text}"; --attack none measures the clean accuracy.`);
  });
}
