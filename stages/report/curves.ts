/** Curves of robust accuracy against ε: one panel for each kind of attack, one line per variant. */

import { epsText, grouped, percent } from '../numerics/analyses/figure-text.ts';
import { wilson } from '../numerics/analyses/wilson.ts';
import { figureSeed, itemsOf, keysOf } from './facts.ts';
import { figure, type Numbering } from './figure.ts';
import { type LinePlot, linePlot, type PlotPoint } from './line-plot.ts';
import { type Markup, markup } from './markup.ts';
import { fullName } from './names.ts';
import type { ReportData, VariantData } from './report-data.ts';
import { legend } from './series.ts';
import { type AttackKind, type AttackRow, attackRows, distinct } from './settings.ts';

/** All panels as one figure. */
export function accuracyCurves(data: ReportData, numbers: Numbering): Markup {
  const plots = accuracyPlots(data.variants);
  const labels = data.variants.map((variant, style) => ({ label: fullName(variant), style }));
  const body = markup`${legend(labels)}<div class="panels${plots.length === 1 ? ' single' : null}">${plots.map(linePlot)}</div>`;
  return figure(numbers, body, caption(data));
}

/** The panels, in the order of the attacks in the configuration. */
export function accuracyPlots(variants: VariantData[]): LinePlot[] {
  const kinds = new Map<string, AttackRow[]>();
  for (const row of attackRows(variants)) kinds.set(row.kind.id, [...(kinds.get(row.kind.id) ?? []), row]);
  return [...kinds.values()].map((rows) =>
    rows[0]!.kind.minimal ? minimalPanel(variants, rows) : panel(variants, rows),
  );
}

/** The nearest adversarial images tell the accuracy at every ε; the setting with the longest curve is shown. */
function minimalPanel(variants: VariantData[], rows: AttackRow[]): LinePlot {
  const { kind } = rows[0]!;
  const endOf = (row: AttackRow, style: number) => row.figures[style]?.curve?.at(-1)?.eps ?? -1;
  const series = variants.flatMap(({ label, short }, style) => {
    const longest = rows.reduce((a, b) => (endOf(b, style) > endOf(a, style) ? b : a)).figures[style];
    if (!longest?.curve) return [];
    const points = longest.curve.map(({ eps, robust }) => pointOf(label, eps, robust, longest.n));
    return [{ label: short, style, points }];
  });
  return {
    title: kind.name,
    xLabel: `ε (${kind.norm})`,
    yLabel: `accuracy by the nearest images of ${kind.attack} (%)`,
    xDomain: [0, Math.max(...series.flatMap(({ points }) => points.map(({ x }) => x))) || 1],
    yDomain: [0, 100],
    markers: false,
    series,
  };
}

function panel(variants: VariantData[], rows: AttackRow[]): LinePlot {
  const { kind } = rows[0]!;
  const series = variants.flatMap(({ label, short }, style) => {
    const points = rows.flatMap(({ eps, figures }) => {
      const figure = figures[style];
      return figure ? [pointOf(label, eps, figure.robust, figure.n)] : [];
    });
    const start = startOf(variants[style]!, kind, points);
    return points.length === 0 ? [] : [{ label: short, style, points: [...start, ...points] }];
  });
  return {
    title: kind.name,
    xLabel: `ε (${kind.norm})`,
    yLabel: kind.targeted
      ? `not led to the target (%), ${kind.attack}`
      : `robust accuracy under ${kind.attack} (%)`,
    xDomain: [0, Math.max(...rows.map((row) => row.eps)) || 1],
    xTicks: [...new Set([0, ...rows.map((row) => row.eps)])],
    xName: epsText,
    yDomain: [0, 100],
    markers: true,
    series,
  };
}

/**
 * At ε = 0 an attack leaves the image as it is, so that the clean accuracy is the curve's start. Not so for
 * targeted attacks with more than two classes, where a wrong class need not be the target.
 */
function startOf(variant: VariantData, kind: AttackKind, points: PlotPoint[]): PlotPoint[] {
  const isMeasured = points.some((point) => point.x === 0);
  if (isMeasured || (kind.targeted && variant.dataset.classNames.length > 2)) return [];
  return [pointOf(variant.label, 0, variant.attack.cleanCorrect, variant.attack.n)];
}

function pointOf(label: string, eps: number, correct: number, n: number): PlotPoint {
  const { value, low, high } = wilson(correct, n);
  const title = `${label}, ε ${epsText(eps)}: ${percent(value)} % (${correct} of ${n})`;
  return { x: eps, y: 100 * value, low: 100 * low, high: 100 * high, title };
}

function caption({ variants }: ReportData): Markup {
  const hasTargeted = attackRows(variants).some((row) => row.kind.targeted);
  const hasMinimal = attackRows(variants).some((row) => row.kind.minimal);
  const isMany = variants.some(({ dataset }) => dataset.classNames.length > 2);
  return markup`Robust accuracy against ε on n = ${distinct(variants, ({ attack }) => grouped(attack.n))} test ${itemsOf(variants)}; the bands are Wilson’s 95 % intervals, markers are measured, ε = 0 is the clean accuracy. ${
    hasMinimal
      ? 'Lines without markers come from the least perturbation found for each image, which tells every ε at once. '
      : null
  }${
    hasTargeted
      ? `Targeted attacks: share of ${itemsOf(variants)} not led to the target class${isMany ? ', which at ε = 0 is not the clean accuracy; these curves begin at the first ε that was tried' : ''}.`
      : null
  } ${figureSeed(variants)} ${keysOf(variants, 'attack')}`;
}
