/**
 * Convolutions with 3 × 3 taps by Winograd's minimal filtering, F(4 × 4, 3 × 3) (Lavin and Gray 2016): a tile of 4 × 4 pixels
 * takes 36 multiplications for each pair of channels, not 144. What it costs besides is a pass over the image with each of
 * two small matrices, so that it pays where there are many channels.
 *
 * With the points 0, ±3/4, ±3/2 and ∞ it adds about 1e-6 of relative error, where the sum itself has 2e-7; with the usual
 * 0, ±1, ±2 and ∞ it would be 2e-6.
 */
import type { GraphNode } from '../graph-node.ts';
import type { Rule } from './rule.ts';
import { Steps } from './steps.ts';

/** Pixels of a tile on each side, of its result and of what that is made of. */
const TILE = 4;
const REACH = TILE + 2;
const POINTS = [0, 0.75, -0.75, 1.5, -1.5];

/** Channels from which this is faster, as measured. */
const LEAST_CHANNELS = 128;

export const winograd: Rule = (node, { source }) => {
  if (node.op !== 'Conv2D') return null;
  const filter = source(node.inputs[1]!);
  const image = source(node.inputs[0]!);
  const { padding, strides } = node.attributes as { padding: { text: string }; strides: { ints: number[] } };
  if (!(filter?.values instanceof Float32Array) || image === undefined) return null;
  const [height, width, inputs, outputs] = filter.shape as [number, number, number, number];
  const is3x3 = height === 3 && width === 3 && padding.text === 'SAME';
  const fitsTiles = [node.shape[1]!, node.shape[2]!].every((side) => side % TILE === 0);
  if (!is3x3 || strides.ints.some((stride) => stride !== 1) || !fitsTiles) return null;
  return Math.min(inputs, outputs) < LEAST_CHANNELS ? null : inTiles(node, image, filter);
};

function inTiles(node: GraphNode, image: GraphNode, filter: GraphNode): GraphNode[] {
  const [batch, height, width, inputs] = image.shape as [number, number, number, number];
  const outputs = node.shape.at(-1)!;
  const tiles = (batch * height * width) / TILE ** 2;
  const places = REACH ** 2;
  const { toFilter, toTile, toResult } = TRANSFORMS;
  const steps = new Steps(node, 'winograd');
  // Large ones are transformed in each run: a graph would be several times as large with the results.
  const taps = steps.reshape(filter.name, [9, inputs * outputs]);
  const filters = steps.product(steps.constant(toFilter, [places, 9]), taps, [places, inputs * outputs]);
  const border = steps.integers([0, 0, 1, 1, 1, 1, 0, 0], [4, 2]);
  const padded = steps.add('Pad', [image.name, border], [batch, height + 2, width + 2, inputs], {
    Tpaddings: { type: 3 },
  });
  const pixels = steps.reshape(padded, [batch * (height + 2) * (width + 2), inputs]);
  const gathered = steps.rows(pixels, tilePixels(batch, height, width), inputs);
  const byPlace = steps.reshape(gathered, [places, tiles * inputs]);
  const changed = steps.product(steps.constant(toTile, [places, places]), byPlace, [places, tiles * inputs]);
  const products = steps.add(
    'BatchMatMulV2',
    [steps.reshape(changed, [places, tiles, inputs]), steps.reshape(filters, [places, inputs, outputs])],
    [places, tiles, outputs],
    { adj_x: { bool: false }, adj_y: { bool: false } },
  );
  const summed = steps.product(
    steps.constant(toResult, [TILE ** 2, places]),
    steps.reshape(products, [places, tiles * outputs]),
    [TILE ** 2, tiles * outputs],
  );
  const results = steps.reshape(summed, [TILE ** 2 * tiles, outputs]);
  steps.reshape(steps.rows(results, resultPixels(batch, height, width), outputs), node.shape);
  return steps.done();
}

/** Of each place in a tile, image and tile, the pixel in the padded images. */
function tilePixels(batch: number, height: number, width: number): Int32Array {
  const indices = new Int32Array((REACH ** 2 * batch * height * width) / TILE ** 2);
  let to = 0;
  for (let i = 0; i < REACH; i++) {
    for (let j = 0; j < REACH; j++) {
      for (let image = 0; image < batch; image++) {
        for (let row = i; row < height + i; row += TILE) {
          const start = (image * (height + 2) + row) * (width + 2) + j;
          for (let column = 0; column < width; column += TILE) indices[to++] = start + column;
        }
      }
    }
  }
  return indices;
}

/** Of each pixel of the result, its row among [place in the tile, image, tile]. */
function resultPixels(batch: number, height: number, width: number): Int32Array {
  const indices = new Int32Array(batch * height * width);
  const [down, across] = [height / TILE, width / TILE];
  let to = 0;
  for (let image = 0; image < batch; image++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const place = (y % TILE) * TILE + (x % TILE);
        const tile = (image * down + Math.floor(y / TILE)) * across + Math.floor(x / TILE);
        indices[to++] = place * batch * down * across + tile;
      }
    }
  }
  return indices;
}

/** Both axes at once: the Kronecker product of a matrix with itself, row by row. */
function twice(matrix: readonly (readonly number[])[]): Float32Array {
  const values = matrix.flatMap((a) => matrix.flatMap((b) => a.flatMap((x) => b.map((y) => x * y))));
  return Float32Array.from(values);
}

/** Coefficients of Π (x − root), from that of 1 upwards. */
function polynomial(roots: readonly number[]): number[] {
  const product = [1];
  for (const root of roots) {
    product.push(0);
    for (let i = product.length - 1; i >= 0; i--) product[i] = (product[i - 1] ?? 0) - root * product[i]!;
  }
  return product;
}

/**
 * The matrices of Toom and Cook for our points: polynomials are multiplied by their values there, of which the highest
 * coefficients stand for the one at ∞; what computes a product computes a correlation when it is transposed.
 */
const TRANSFORMS = (() => {
  const others = POINTS.map((_, i) => POINTS.filter((_, j) => j !== i));
  const filter = POINTS.map((point, i) => {
    const scale = 1 / others[i]!.reduce((product, other) => product * (point - other), 1);
    return [scale, scale * point, scale * point ** 2];
  });
  const tile = others.map((roots) => [...polynomial(roots), 0]);
  const result = Array.from({ length: TILE }, (_, power) => [
    ...POINTS.map((point) => point ** power),
    power === TILE - 1 ? 1 : 0,
  ]);
  return {
    toFilter: twice([...filter, [0, 0, 1]]),
    toTile: twice([...tile, polynomial(POINTS)]),
    toResult: twice(result),
  };
})();
