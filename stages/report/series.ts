/** How a variant looks in every plot: a colour, a marker and a dash, so that colour is never the only difference. */
import {
  symbol,
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolStar,
  symbolTriangle,
  symbolWye,
} from 'd3-shape';
import { Markup, markup } from './markup.ts';
import { SERIES_COLORS } from './style.ts';

const SYMBOLS = [
  symbolCircle,
  symbolSquare,
  symbolTriangle,
  symbolDiamond,
  symbolCross,
  symbolStar,
  symbolWye,
] as const;
const DASHES = ['', '6 3', '2 2.5', '8 3 2 3'];
const MARKER_AREA = 36;

/** CSS class that sets `color` for the series at a position. */
export function seriesClass(position: number): string {
  return `s${position % SERIES_COLORS}`;
}

/** The attribute that dashes a line, empty for the first eight series. */
export function dashOf(position: number): Markup {
  const dash = DASHES[Math.floor(position / SERIES_COLORS) % DASHES.length]!;
  return dash === '' ? new Markup('') : markup` stroke-dasharray="${dash}"`;
}

/** Path of the marker about the origin. */
export function markerPath(position: number): string {
  return symbol(SYMBOLS[position % SYMBOLS.length]!, MARKER_AREA).digits(2)() ?? '';
}

/** Names of all series with line and marker. */
export function legend(labels: { label: string; style: number }[]): Markup {
  return markup`<ul class="legend">${labels.map(
    ({ label, style }) =>
      markup`<li class="${seriesClass(style)}"><svg viewBox="0 0 34 12" aria-hidden="true"><line x1="1" x2="33" y1="6" y2="6" stroke="currentColor" stroke-width="1.75"${dashOf(style)}/><path transform="translate(17,6)" fill="currentColor" d="${markerPath(style)}"/></svg><span>${label}</span></li>`,
  )}</ul>`;
}
