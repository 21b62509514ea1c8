/** The drawing of one decision map: areas, boundary, points, target gradients, axes and a bar for ε. */
import { scaleLinear } from 'd3-scale';
import type { Analysis } from '../../schemas/results.ts';
import { pngDataUri } from '../../store/pictures/png.ts';
import { epsText, percent } from '../numerics/analyses/figure-text.ts';
import { boundaryRuns, decisionRaster } from './decision-map.ts';
import { round } from './line-plot.ts';
import { type Markup, markup } from './markup.ts';
import { fullName } from './names.ts';
import type { AttackFigure, Plane, Values, VariantData } from './report-data.ts';
import { kindOf } from './settings.ts';

const WIDTH = 360;
const LEFT = 40;
const RIGHT = 352;
const TOP = 40;
const FOOT = 38;
/** Boxes longer than this are squeezed to it, and the caption says so. */
const LARGEST_ASPECT = 1.6;
const ARROW_LENGTH = 20;
/** More arrows than this hide the points; every so many-th is drawn. */
const MOST_ARROWS = 60;

type Box = NonNullable<Analysis['plane']>['box'];

/** Where a decision map lies in its own coordinates. */
export interface PlaneFrame {
  x(value: number): number;
  y(value: number): number;
  height: number;
  bottom: number;
  /** Length of a unit of x₂ over that of a unit of x₁ on the page. */
  stretch: number;
}

/** The place of a decision map: both axes have one scale unless the box is too long for that. */
export function planeFrame(box: Box): PlaneFrame {
  const [spanX, spanY] = [box.x[1] - box.x[0], box.y[1] - box.y[0]];
  const aspect = Math.min(LARGEST_ASPECT, Math.max(1 / LARGEST_ASPECT, spanY / spanX));
  const bottom = TOP + (RIGHT - LEFT) * aspect;
  const x = scaleLinear(box.x, [LEFT, RIGHT]);
  const y = scaleLinear(box.y, [bottom, TOP]);
  return { x, y, bottom, height: bottom + FOOT, stretch: (aspect * spanX) / spanY };
}

/** The decision map of one variant. */
export function planePlot(variant: VariantData): Markup {
  const plane = variant.plane!;
  const { box, cells } = variant.analysis.plane!;
  const frame = planeFrame(box);
  const map = pngDataUri(decisionRaster(plane.boundary.data, cells));
  const clip = `clip-${variant.keys.find((entry) => entry.stage === 'analyze')?.key ?? 'map'}`;
  return markup`<svg viewBox="0 0 ${WIDTH} ${round(frame.height)}" role="img" aria-label="decision map of ${variant.label}">
<clipPath id="${clip}"><rect x="${LEFT}" y="${TOP}" width="${RIGHT - LEFT}" height="${round(frame.bottom - TOP)}"/></clipPath>
<text class="title" x="4" y="14">${fullName(variant)}</text><text class="tick" x="4" y="29">${accuracies(variant)}</text>
<g clip-path="url(#${clip})"><image href="${map}" x="${LEFT}" y="${TOP}" width="${RIGHT - LEFT}" height="${round(frame.bottom - TOP)}" preserveAspectRatio="none"/>
<path d="${boundaryPath(plane.boundary.data, cells, box, frame)}" fill="none" stroke="#222" stroke-width="1.5"/>
${arrowMarks(plane, frame)}
${pointMarks(plane, frame)}</g>
${axes(box, frame)}
${epsilonBar(variant, frame)}
</svg>`;
}

function boundaryPath(boundary: Float32Array, cells: number, box: Box, frame: PlaneFrame): string {
  const x = scaleLinear([0, cells], box.x);
  const y = scaleLinear([0, cells], box.y);
  const place = ([u, v]: [number, number]) => `${round(frame.x(x(u)))} ${round(frame.y(y(v)))}`;
  return boundaryRuns(boundary, cells)
    .map((run) => `M${run.map(place).join('L')}`)
    .join('');
}

function pointMarks({ points, pointLabels }: Plane, frame: PlaneFrame): Markup {
  const dots = (label: number) => {
    let path = '';
    for (let i = 0; i < points.shape[0]!; i++) {
      if (pointLabels.data[i] !== label) continue;
      path += `M${round(frame.x(points.data[2 * i]!))} ${round(frame.y(points.data[2 * i + 1]!))}h0`;
    }
    return path;
  };
  // A line of no length with round or square ends is a dot: thousands of them in one short path.
  const [round0, square1] = [dots(0), dots(1)];
  return markup`<g fill="none"><path d="${round0}" stroke="#fff" stroke-width="7" stroke-linecap="round"/><path d="${square1}" stroke="#fff" stroke-width="6.5" stroke-linecap="square"/>
<path d="${round0}" stroke="#0b4f8a" stroke-width="5" stroke-linecap="round"/><path d="${square1}" stroke="#9a3412" stroke-width="4.5" stroke-linecap="square"/></g>`;
}

/** Arrows of one length along the target gradients: the loss uses the direction only. */
function arrowMarks({ arrowsFrom, arrows }: Plane, frame: PlaneFrame): Markup | null {
  if (arrowsFrom === null || arrows === null) return null;
  const step = arrowStep(arrows);
  let path = '';
  for (let i = 0; i < arrows.shape[0]!; i += step) {
    const [fromX, fromY] = [frame.x(arrowsFrom.data[2 * i]!), frame.y(arrowsFrom.data[2 * i + 1]!)];
    const dx = frame.x(arrowsFrom.data[2 * i]! + arrows.data[2 * i]!) - fromX;
    const dy = frame.y(arrowsFrom.data[2 * i + 1]! + arrows.data[2 * i + 1]!) - fromY;
    const length = Math.hypot(dx, dy);
    if (length === 0) continue;
    path += arrowPath(fromX, fromY, dx / length, dy / length);
  }
  return markup`<path d="${path}" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/><path d="${path}" fill="none" stroke="#111" stroke-width="1.25" stroke-linecap="round" stroke-linejoin="round"/>`;
}

function arrowPath(x: number, y: number, ux: number, uy: number): string {
  const [tipX, tipY] = [x + ARROW_LENGTH * ux, y + ARROW_LENGTH * uy];
  const wing = (side: number) =>
    `${round(tipX - 5 * ux + side * 3 * uy)} ${round(tipY - 5 * uy - side * 3 * ux)}`;
  return `M${round(x)} ${round(y)}L${round(tipX)} ${round(tipY)}M${wing(1)}L${round(tipX)} ${round(tipY)}L${wing(-1)}`;
}

/** Every so many-th arrow is drawn. */
export function arrowStep(arrows: Values): number {
  return Math.ceil(arrows.shape[0]! / MOST_ARROWS);
}

function axes(box: Box, frame: PlaneFrame): Markup {
  const x = scaleLinear(box.x, [LEFT, RIGHT]);
  const y = scaleLinear(box.y, [frame.bottom, TOP]);
  return markup`${x
    .ticks(5)
    .map(
      (value) =>
        markup`<line class="axis" x1="${round(x(value))}" x2="${round(x(value))}" y1="${round(frame.bottom)}" y2="${round(frame.bottom + 4)}"/><text class="tick" text-anchor="middle" x="${round(x(value))}" y="${round(frame.bottom + 15)}">${x.tickFormat(5)(value)}</text>`,
    )}${y
    .ticks(6)
    .map(
      (value) =>
        markup`<line class="axis" x1="${LEFT - 4}" x2="${LEFT}" y1="${round(y(value))}" y2="${round(y(value))}"/><text class="tick" text-anchor="end" x="${LEFT - 7}" y="${round(y(value) + 3.5)}">${y.tickFormat(6)(value)}</text>`,
    )}<text class="tick" text-anchor="middle" x="${(LEFT + RIGHT) / 2}" y="${round(frame.bottom + 31)}">x₁</text><text class="tick" x="4" y="${TOP + 8}">x₂</text>`;
}

/** The L2 attack with the largest ε, the first of them; null where there is none. */
function strongest({ attack }: VariantData): AttackFigure | null {
  const all = attack.attacks.filter(({ norm }) => norm === 'L2');
  return all.reduce<AttackFigure | null>(
    (most, figure) => (most === null || figure.eps > most.eps ? figure : most),
    null,
  );
}

/** Clean accuracy, and what the strongest L2 attack leaves. */
function accuracies(variant: VariantData): string {
  const { n, cleanCorrect } = variant.attack;
  const figure = strongest(variant);
  const clean = `clean ${percent(cleanCorrect / n)} %`;
  if (figure === null) return clean;
  return `${clean}; ${kindOf(figure).attack}, ε = ${epsText(figure.eps)}: ${percent(figure.robust / figure.n)} %`;
}

/** A bar as long as the largest L2 ε of the attacks, along x₁: how far a point may be moved. */
function epsilonBar(variant: VariantData, frame: PlaneFrame): Markup | null {
  const figure = strongest(variant);
  if (figure === null) return null;
  const { box } = variant.analysis.plane!;
  const length = frame.x(box.x[0] + figure.eps) - frame.x(box.x[0]);
  const [end, y] = [RIGHT - 10, round(frame.bottom - 12)];
  const start = round(end - length);
  const path = `M${start} ${y}H${end}M${start} ${y - 3}v6M${end} ${y - 3}v6`;
  return markup`<path d="${path}" stroke="#fff" stroke-width="4"/><path d="${path}" stroke="#111" stroke-width="1.5"/><text class="tick" style="fill:#111;paint-order:stroke;stroke:#fff;stroke-width:3px" text-anchor="end" x="${end}" y="${y - 7}">ε = ${epsText(figure.eps)}</text>`;
}
