import { describe, expect, it } from 'vitest';
import { boundaryRuns, decisionRaster } from '../../../stages/report/decision-map.ts';
import { planeFrame } from '../../../stages/report/plane-plot.ts';

const CELLS = 40;

/** Logit difference at cell centres of the unit square. */
function logits(of: (x: number, y: number) => number): Float32Array {
  return Float32Array.from({ length: CELLS * CELLS }, (_, i) =>
    of(((i % CELLS) + 0.5) / CELLS, (Math.floor(i / CELLS) + 0.5) / CELLS),
  );
}

describe('decision map', () => {
  it('draws a straight boundary where the logits are equal', () => {
    // Steep enough in x₂ that linear interpolation is exact.
    const runs = boundaryRuns(
      logits((x, y) => y - 0.3 - 0.25 * x),
      CELLS,
    );
    expect(runs.length).toBe(1);
    expect(runs[0]!.length).toBeGreaterThan(CELLS / 2);
    for (const [u, v] of runs[0]!) expect(v / CELLS).toBeCloseTo(0.3 + (0.25 * u) / CELLS, 5);
  });

  it('draws a closed boundary as a circle', () => {
    const runs = boundaryRuns(
      logits((x, y) => 0.3 - Math.hypot(x - 0.5, y - 0.5)),
      CELLS,
    );
    expect(runs.length).toBe(1);
    for (const [u, v] of runs[0]!) expect(Math.hypot(u / CELLS - 0.5, v / CELLS - 0.5)).toBeCloseTo(0.3, 2);
    expect(runs[0]![0]).toEqual(runs[0]!.at(-1));
  });

  it('draws no boundary where one class has everything', () => {
    expect(
      boundaryRuns(
        logits(() => -1),
        CELLS,
      ),
    ).toEqual([]);
    expect(
      boundaryRuns(
        logits(() => 1),
        CELLS,
      ),
    ).toEqual([]);
  });

  it('turns rows round, so that x₂ grows upwards, and colours by probability', () => {
    const { rgba } = decisionRaster(Float32Array.from([-50, 0, 0, 50]), 2);
    const pixel = (i: number) => [...rgba.subarray(4 * i, 4 * i + 3)];
    expect(pixel(0)).toEqual([252, 252, 250]); // upper left: undecided
    expect(pixel(1)).toEqual([243, 176, 138]); // upper right: class 1
    expect(pixel(2)).toEqual([146, 192, 232]); // lower left: class 0
  });

  it('gives both axes one scale, and states the stretch of a box that is too long', () => {
    const square = planeFrame({ x: [-10, 10], y: [0, 20] });
    expect(square.stretch).toBeCloseTo(1, 12);
    expect(square.x(1) - square.x(0)).toBeCloseTo(square.y(0) - square.y(1), 9);
    const tall = planeFrame({ x: [0, 1], y: [0, 16] });
    expect(tall.stretch).toBeCloseTo(0.1, 12);
    expect((tall.y(0) - tall.y(1)) / (tall.x(1) - tall.x(0))).toBeCloseTo(tall.stretch, 9);
  });
});
