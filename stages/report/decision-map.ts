/** The decision of a classifier over a plane: its areas as a picture, its boundary as a path. */
import { contours } from 'd3-contour';
import { mix, type Rgb } from '../../store/pictures/colors.ts';
import { emptyRaster, type Raster } from '../../store/pictures/png.ts';

const CLASS_0: Rgb = [146, 192, 232];
const CLASS_1: Rgb = [243, 176, 138];
const MIDDLE: Rgb = [252, 252, 250];

/**
 * The probability of class 1, σ(logit₁ − logit₀), as colour from blue over white to orange. `boundary`:
 * [cells, cells], rows upwards; the raster's rows run downwards.
 */
export function decisionRaster(boundary: Float32Array, cells: number): Raster {
  const raster = emptyRaster(cells, cells);
  for (let row = 0; row < cells; row++) {
    for (let column = 0; column < cells; column++) {
      const lean = Math.tanh(boundary[row * cells + column]! / 2); // 2 σ(d) − 1
      const color = mix(MIDDLE, lean < 0 ? CLASS_0 : CLASS_1, Math.abs(lean));
      raster.rgba.set([...color, 255], ((cells - 1 - row) * cells + column) * 4);
    }
  }
  return raster;
}

/**
 * The line on which both logits are equal, as runs of points [u, v] in cells from the lower left corner of the
 * map; the value of a cell lies at its centre.
 */
export function boundaryRuns(boundary: Float32Array, cells: number): [number, number][][] {
  const { coordinates } = contours().size([cells, cells]).contour(Array.from(boundary), 0);
  // d3-contour closes its rings along the edge of the map, which is no boundary.
  const isInside = (u: number, v: number) => u > 0 && v > 0 && u < cells && v < cells;
  const runs: [number, number][][] = [];
  for (const ring of coordinates.flat()) {
    let run: [number, number][] = [];
    for (const [u, v] of ring as [number, number][]) {
      if (isInside(u, v)) run.push([u, v]);
      else if (run.length > 0) {
        runs.push(run);
        run = [];
      }
    }
    if (run.length > 0) runs.push(run);
  }
  return runs.filter((run) => run.length > 1);
}
