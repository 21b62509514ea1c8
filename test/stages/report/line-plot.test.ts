import { parseFragment } from 'parse5';
import { describe, expect, it } from 'vitest';
import {
  type LinePlot,
  linePlot,
  PLOT_HEIGHT,
  PLOT_WIDTH,
  plotFrame,
} from '../../../stages/report/line-plot.ts';
import { attributesOf } from './page.ts';

const PLOT: LinePlot = {
  title: 'PGD-20, L2',
  xLabel: 'ε (L2)',
  yLabel: 'robust accuracy (%)',
  xDomain: [0, 2],
  xTicks: [0, 0.5, 2],
  yDomain: [0, 100],
  markers: true,
  series: [
    {
      label: 'abcd',
      style: 0,
      points: [
        { x: 0, y: 100, low: 98, high: 100 },
        { x: 0.5, y: 50, low: 45, high: 55 },
        { x: 2, y: 25, low: 20, high: 30 },
      ],
    },
  ],
};

// The plot leaves 46 on the left, 44 above, 40 below, and on the right 16 and 7.2 for each of the label's letters.
const [LEFT, RIGHT, TOP, BOTTOM] = [46, PLOT_WIDTH - 16 - 29, 44, PLOT_HEIGHT - 40];

describe('line plot', () => {
  it('maps the corners of the domain to the corners of the frame', () => {
    const { x, y } = plotFrame(PLOT);
    expect([x(0), x(2), y(0), y(100)]).toEqual([LEFT, RIGHT, BOTTOM, TOP]);
  });

  it('draws line, markers and band where the values are', () => {
    const paths = attributesOf(parseFragment(linePlot(PLOT).text), 'path');
    const place = (x: number, y: number): [number, number] => [
      LEFT + ((RIGHT - LEFT) * x) / 2,
      BOTTOM - ((BOTTOM - TOP) * y) / 100,
    ];
    const expected = (points: [number, number][]) => points.map(([x, y]) => place(x, y));
    const line = paths.find(({ fill }) => fill === 'none')!;
    expectNear(
      numbersOf(line.d!),
      expected([
        [0, 100],
        [0.5, 50],
        [2, 25],
      ]),
    );
    const markers = paths.filter(({ transform }) => transform !== undefined);
    expectNear(
      markers.flatMap(({ transform }) => numbersOf(transform!)),
      expected([
        [0, 100],
        [0.5, 50],
        [2, 25],
      ]),
    );
    const band = paths.find((attributes) => attributes['fill-opacity'] !== undefined)!;
    expectNear(
      numbersOf(band.d!),
      expected([
        [0, 100],
        [0.5, 55],
        [2, 30],
        [2, 20],
        [0.5, 45],
        [0, 98],
      ]),
    );
  });

  it('puts ticks at the given values, leaving out those too close to read', () => {
    const texts = linePlot({ ...PLOT, xTicks: [0, 0.01, 0.5, 2] }).text.match(
      /text-anchor="middle"[^>]*>([^<]*)</g,
    )!;
    expect(texts.map((text) => text.replace(/.*>(.*)</, '$1'))).toEqual(['0', '0.5', '2', 'ε (L2)']);
  });

  it('gives values that are all the same a domain of their own', () => {
    const points = [{ x: 1, y: 3 }];
    const { series: _series, xDomain: _x, yDomain: _y, ...rest } = PLOT;
    const { y, x } = plotFrame({ ...rest, series: [{ label: 'abcd', style: 0, points }] });
    expect(y(3)).toBeCloseTo((TOP + BOTTOM) / 2, 9);
    expect(x(1)).toBeCloseTo((LEFT + RIGHT) / 2, 9);
  });
});

function numbersOf(text: string): number[][] {
  const all = text.match(/-?[\d.]+/g)!.map(Number);
  return Array.from({ length: all.length / 2 }, (_, i) => all.slice(2 * i, 2 * i + 2));
}

function expectNear(found: number[][], expected: [number, number][]) {
  expect(found.length).toBe(expected.length);
  for (const [i, [x, y]] of expected.entries()) {
    expect(found[i]![0]).toBeCloseTo(x, 1);
    expect(found[i]![1]).toBeCloseTo(y, 1);
  }
}
