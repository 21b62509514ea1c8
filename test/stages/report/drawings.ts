/** Digits of seven segments, gradients that look like them, and a plane: what the report's fixtures show. */

/** Deterministic numbers in [-1, 1). */
export function noise(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

const SEGMENTS = ['abcdef', 'bc', 'abged', 'abgcd', 'fgbc', 'afgcd', 'afgedc', 'abc', 'abcdefg', 'abcdfg'];
/** Ends of each segment as [x, y, x, y] in [0, 1]. */
const ENDS: Record<string, [number, number, number, number]> = {
  a: [0.3, 0.15, 0.7, 0.15],
  b: [0.7, 0.15, 0.7, 0.5],
  c: [0.7, 0.5, 0.7, 0.85],
  d: [0.3, 0.85, 0.7, 0.85],
  e: [0.3, 0.5, 0.3, 0.85],
  f: [0.3, 0.15, 0.3, 0.5],
  g: [0.3, 0.5, 0.7, 0.5],
};

const upright = new Map<string, Float32Array>();

/** A blurred digit that stands upright, drawn once. */
function standard(digit: number, side: number): Float32Array {
  const key = `${digit} ${side}`;
  if (!upright.has(key)) upright.set(key, glyph(digit, side, 0));
  return upright.get(key)!;
}

/** A blurred digit, [side, side] with values in [0, 1]. */
function glyph(digit: number, side: number, slant: number): Float32Array {
  const pixels = new Float32Array(side * side);
  for (let i = 0; i < pixels.length; i++) {
    const [x, y] = [((i % side) + 0.5) / side, (Math.floor(i / side) + 0.5) / side];
    const distances = [...SEGMENTS[digit % 10]!].map((name) =>
      distance(x + slant * (y - 0.5), y, ENDS[name]!),
    );
    pixels[i] = Math.exp(-((Math.min(...distances) / 0.07) ** 2));
  }
  return pixels;
}

function distance(x: number, y: number, [x0, y0, x1, y1]: [number, number, number, number]): number {
  const along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2);
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(x - x0 - t * (x1 - x0), y - y0 - t * (y1 - y0));
}

/** Image `digit`, once per channel with another weight. */
export function image(digit: number, side: number, channels: number, seed: number): Float32Array {
  const shape = glyph(digit, side, 0.15 * noise(seed)());
  return Float32Array.from({ length: side * side * channels }, (_, i) => {
    const channel = i % channels;
    return shape[Math.floor(i / channels)]! * (channels === 1 ? 1 : 0.4 + 0.3 * ((digit + channel) % 3));
  });
}

/** What would turn `picture` into a `target`, with `roughness` in [0, 1] of noise: 1 is noise alone. */
export function gradient(
  picture: Float32Array,
  target: number,
  side: number,
  channels: number,
  roughness: number,
  seed: number,
): Float32Array {
  const random = noise(seed);
  const wanted = standard(target, side);
  return picture.map(
    (value, i) => (1 - roughness) * (wanted[Math.floor(i / channels)]! - value) + roughness * random(),
  );
}

/** `picture` moved `far` along a gradient, kept in [0, 1]. */
export function moved(picture: Float32Array, direction: Float32Array, far: number): Float32Array {
  return picture.map((value, i) => Math.min(1, Math.max(0, value + far * direction[i]!)));
}

/** Centres of six modes along x₂ = 2 x₁, 40 apart, classes in turn. */
export const MODES = Array.from({ length: 6 }, (_, i) => ({
  x: ((i - 2.5) * 40) / Math.sqrt(5),
  y: ((i - 2.5) * 80) / Math.sqrt(5),
  label: i % 2,
}));

/** Logit difference at the centres of cells² squares of the box [-half, half]²; `tilt` turns the boundary. */
export function planeLogits(half: number, cells: number, tilt: number): Float32Array {
  return Float32Array.from({ length: cells * cells }, (_, i) => {
    const x = (((i % cells) + 0.5) / cells) * 2 * half - half;
    const y = ((Math.floor(i / cells) + 0.5) / cells) * 2 * half - half;
    const along = (x * Math.cos(tilt) + y * Math.sin(tilt)) / (40 * Math.cos(Math.atan(2) - tilt));
    return -6 * Math.cos(Math.PI * (along + 2.5));
  });
}
