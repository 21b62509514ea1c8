/** Colours of pictures: what a value of a gradient or of a probability looks like. */

export type Rgb = readonly [number, number, number];

/** ColorBrewer's RdBu with 11 classes turned round: blue is negative, white 0, red positive; safe for the colour-blind. */
const DIVERGING: readonly Rgb[] = [
  [5, 48, 97],
  [33, 102, 172],
  [67, 147, 195],
  [146, 197, 222],
  [209, 229, 240],
  [247, 247, 247],
  [253, 219, 199],
  [244, 165, 130],
  [214, 96, 77],
  [178, 24, 43],
  [103, 0, 31],
];

/** Colour of `value` in [-1, 1]; what lies outside takes the end's colour. */
export function diverging(value: number): Rgb {
  const position = ((Math.min(1, Math.max(-1, value)) + 1) / 2) * (DIVERGING.length - 1);
  const index = Math.min(DIVERGING.length - 2, Math.floor(position));
  return mix(DIVERGING[index]!, DIVERGING[index + 1]!, position - index);
}

/** The colour a share `t` of the way from `from` to `to`, rounded to bytes. */
export function mix(from: Rgb, to: Rgb, t: number): Rgb {
  const at = (i: 0 | 1 | 2) => Math.round(from[i] + (to[i] - from[i]) * t);
  return [at(0), at(1), at(2)];
}
