/** A vector plot of lines with interval bands: pure geometry in, SVG out. */
import { type ScaleLinear, scaleLinear } from 'd3-scale';
import { area, line } from 'd3-shape';
import { type Markup, markup } from './markup.ts';
import { dashOf, markerPath, seriesClass } from './series.ts';
import { spread } from './spread.ts';

export interface PlotPoint {
  x: number;
  y: number;
  /** Ends of the interval, drawn as a band. */
  low?: number;
  high?: number;
  /** Read by screen readers and shown under the pointer. */
  title?: string;
}

export interface PlotSeries {
  /** Stands at the end of the line; at most 16 letters. */
  label: string;
  /** Position among the variants: decides colour, dash and marker, the same in every plot. */
  style: number;
  points: PlotPoint[];
}

export interface LinePlot {
  title: string;
  xLabel: string;
  yLabel: string;
  /** Default: from the least to the largest value, the upper end rounded up to a tick. */
  xDomain?: readonly [number, number];
  yDomain?: readonly [number, number];
  /** Default: about five round numbers. Ticks too close to the one before are left out. */
  xTicks?: number[];
  /** Names of the ticks that are given. */
  xName?: (value: number) => string;
  /** Draw a marker at every point; for few points. */
  markers: boolean;
  series: PlotSeries[];
}

/** Where the plot lies in its own coordinates (`viewBox`), and its scales from data to them. */
export interface PlotFrame {
  x: ScaleLinear<number, number>;
  y: ScaleLinear<number, number>;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export const PLOT_WIDTH = 360;
export const PLOT_HEIGHT = 260;
const LABEL_PITCH = 13;
const LEAST_TICK_PITCH = 26;
const LETTER_WIDTH = 7.2;

/** The place of a plot: the right margin is as wide as the labels need. */
export function plotFrame(plot: LinePlot): PlotFrame {
  const letters = Math.max(0, ...plot.series.map((series) => [...series.label].length));
  const left = 46;
  const right = PLOT_WIDTH - 16 - Math.ceil(letters * LETTER_WIDTH);
  const top = 44;
  const bottom = PLOT_HEIGHT - 40;
  const points = plot.series.flatMap((series) => series.points);
  const x = scaleLinear([left, right]).domain(plot.xDomain ?? niceExtent(points.map((point) => point.x)));
  const values = points.flatMap((point) => [point.y, point.low ?? point.y, point.high ?? point.y]);
  const y = scaleLinear([bottom, top]).domain(plot.yDomain ?? niceExtent(values));
  return { x, y, left, right, top, bottom };
}

function niceExtent(values: number[]): [number, number] {
  const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const ends = high > low ? [low, high] : [low - 0.5, low + 0.5];
  return scaleLinear().domain(ends).nice(5).domain() as [number, number];
}

/** The plot as an SVG of {@link PLOT_WIDTH} by {@link PLOT_HEIGHT}, which fills the width it is given. */
export function linePlot(plot: LinePlot): Markup {
  const frame = plotFrame(plot);
  return markup`<svg viewBox="0 0 ${PLOT_WIDTH} ${PLOT_HEIGHT}" role="img" aria-label="${plot.title}: ${plot.yLabel} against ${plot.xLabel}">
<text class="title" x="4" y="14">${plot.title}</text>
${axes(plot, frame)}
${plot.series.map((series) => bandOf(series, frame))}
${plot.series.map((series) => lineOf(plot, series, frame))}
${endLabels(plot, frame)}
</svg>`;
}

function axes(plot: LinePlot, { x, y, left, right, top, bottom }: PlotFrame): Markup {
  const xName = plot.xTicks ? (plot.xName ?? String) : x.tickFormat(5);
  const yName = y.tickFormat(5);
  return markup`${y.ticks(5).map(
    (
      value,
    ) => markup`<line class="rule" x1="${left}" x2="${right}" y1="${round(y(value))}" y2="${round(y(value))}"/>
<text class="tick" text-anchor="end" x="${left - 6}" y="${round(y(value) + 3.5)}">${yName(value)}</text>`,
  )}${xTicks(plot, x).map(
    (
      value,
    ) => markup`<line class="axis" x1="${round(x(value))}" x2="${round(x(value))}" y1="${bottom}" y2="${bottom + 4}"/>
<text class="tick" text-anchor="middle" x="${round(x(value))}" y="${bottom + 16}">${xName(value)}</text>`,
  )}<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>
<text class="tick" x="4" y="${top - 14}">${plot.yLabel}</text>
<text class="tick" text-anchor="middle" x="${(left + right) / 2}" y="${bottom + 33}">${plot.xLabel}</text>`;
}

function xTicks(plot: LinePlot, x: PlotFrame['x']): number[] {
  const kept: number[] = [];
  for (const value of plot.xTicks ?? x.ticks(5)) {
    if (kept.length === 0 || x(value) - x(kept.at(-1)!) >= LEAST_TICK_PITCH) kept.push(value);
  }
  return kept;
}

function bandOf(series: PlotSeries, { x, y }: PlotFrame): Markup | null {
  const points = series.points.filter((point) => point.low !== undefined && point.high !== undefined);
  const path = area<PlotPoint>(
    (point) => x(point.x),
    (point) => y(point.low!),
    (point) => y(point.high!),
  ).digits(2);
  if (points.length < 2) return null;
  return markup`<path class="${seriesClass(series.style)}" fill="currentColor" fill-opacity="0.16" d="${path(points)}"/>`;
}

function lineOf(plot: LinePlot, series: PlotSeries, { x, y }: PlotFrame): Markup {
  const path = line<PlotPoint>(
    (point) => x(point.x),
    (point) => y(point.y),
  ).digits(2);
  const marks = series.points.map(
    (point) =>
      markup`<path transform="translate(${round(x(point.x))},${round(y(point.y))})" fill="currentColor" d="${markerPath(series.style)}"><title>${point.title ?? `${series.label}: ${point.x}, ${point.y}`}</title></path>`,
  );
  return markup`<g class="${seriesClass(series.style)}"><path fill="none" stroke="currentColor" stroke-width="1.75" stroke-linejoin="round"${dashOf(series.style)} d="${path(series.points)}"/>${plot.markers ? marks : null}</g>`;
}

function endLabels(plot: LinePlot, { x, y, right, top, bottom }: PlotFrame): Markup {
  const ends = plot.series.map((series) => series.points[series.points.length - 1]!);
  const wanted = ends.map((point) => y(point.y));
  const places = spread(wanted, LABEL_PITCH, top, bottom);
  return markup`${plot.series.map((series, i) => {
    const from = x(ends[i]!.x);
    const moved = Math.abs(places[i]! - wanted[i]!) > 2 || right - from > 8;
    const leader = markup`<line stroke="currentColor" stroke-width="0.75" x1="${round(from + 4)}" y1="${round(wanted[i]!)}" x2="${right + 7}" y2="${round(places[i]!)}"/>`;
    return markup`<g class="${seriesClass(series.style)}">${moved ? leader : null}<text class="end" x="${right + 9}" y="${round(places[i]! + 3.5)}">${series.label}</text></g>`;
  })}`;
}

/** Two decimals are a hundredth of a pixel: enough, and short. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
