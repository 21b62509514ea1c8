/** The toy world seen from above: where the classifier draws its border, and where the targets point. */
import type { Analysis } from '../../schemas/results.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import type { GradientReader } from '../../store/shards/gradient-reader.ts';
import type { LogitsOf } from '../numerics/attacks/oracle.ts';
import { tf } from '../numerics/tensor/tf.ts';
import type { Arrays } from './pictures.ts';
import { targetsOfOthers } from './stored-targets.ts';

/** Room around the data, as a share of its larger side. */
const MARGIN = 0.12;
const ARROWS = 48;

type Plane = NonNullable<Analysis['plane']>;

/** The square around the data. */
function boxAround(points: Float32Array): Plane['box'] {
  const range = (axis: 0 | 1): [number, number] => {
    const values = points.filter((_, i) => i % 2 === axis);
    return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  };
  const [x, y] = [range(0), range(1)];
  const half = (0.5 + MARGIN) * Math.max(x[1] - x[0], y[1] - y[0]);
  const around = ([low, high]: [number, number]): [number, number] => [
    (low + high) / 2 - half,
    (low + high) / 2 + half,
  ];
  return { x: around(x), y: around(y) };
}

/** Logit of class 1 minus that of class 0 at the centres of cells × cells squares, rows upwards. */
function boundary(logitsOf: LogitsOf, { x, y }: Plane['box'], cells: number): Float32Array {
  const centers = new Float32Array(cells * cells * 2);
  for (let i = 0; i < cells * cells; i++) {
    centers[2 * i] = x[0] + (((i % cells) + 0.5) / cells) * (x[1] - x[0]);
    centers[2 * i + 1] = y[0] + ((Math.floor(i / cells) + 0.5) / cells) * (y[1] - y[0]);
  }
  const logits = tf.tidy(() => logitsOf(tf.tensor2d(centers, [cells * cells, 2])).dataSync());
  return Float32Array.from({ length: cells * cells }, (_, i) => logits[2 * i + 1]! - logits[2 * i]!);
}

export async function plane(
  dataset: Dataset,
  logitsOf: LogitsOf,
  reader: GradientReader | null,
  cells: number,
): Promise<{ arrays: Arrays; plane: Plane }> {
  const { train, test } = dataset;
  const points = test.slice(0, test.count);
  const box = boxAround(points);
  const arrays: Arrays = {
    points: { shape: [test.count, 2], data: points },
    pointLabels: { shape: [test.count], data: Float32Array.from(test.labels) },
    boundary: { shape: [cells, cells], data: boundary(logitsOf, box, cells) },
  };
  if (reader !== null) {
    const chosen = Array.from({ length: ARROWS }, (_, i) => Math.floor(((i + 0.5) * train.count) / ARROWS));
    const others = await targetsOfOthers(dataset, reader, chosen);
    const from = others.flatMap(({ image }) => [...train.slice(image, 1)]);
    const arrows = others.flatMap(({ stored }) => [...stored]);
    arrays.arrowsFrom = { shape: [others.length, 2], data: Float32Array.from(from) };
    arrays.arrows = { shape: [others.length, 2], data: Float32Array.from(arrows) };
  }
  return { arrays, plane: { box, cells } };
}
