/** Curves of training: loss parts, mean cosine, accuracy, and the loss of the score model. */
import type { EpochMetrics } from '../../schemas/results.ts';
import { hasPenalty } from '../../schemas/train-methods.ts';
import { grouped } from '../numerics/analyses/figure-text.ts';
import { figureSeed, itemsOf, keysOf } from './facts.ts';
import { figure, type Numbering } from './figure.ts';
import { type LinePlot, linePlot, type PlotPoint, type PlotSeries } from './line-plot.ts';
import { type Markup, markup } from './markup.ts';
import { fullName } from './names.ts';
import { keyOf, type ReportData, type VariantData } from './report-data.ts';
import { legend } from './series.ts';
import { distinct } from './settings.ts';

/** Losses of more steps than this are averaged over equal bins. */
const MOST_POINTS = 150;
/** Markers of more points than this run into each other. */
const MOST_MARKERS = 20;

/** One panel: its title, what its values are, and the value of an epoch, null where there is none. */
interface Measure {
  title: string;
  yLabel: string;
  value: (row: EpochMetrics, variant: VariantData) => number | null;
}

const MEASURES: readonly Measure[] = [
  { title: 'Cross entropy', yLabel: 'mean over the training data', value: (row) => row.crossEntropy },
  {
    title: 'Alignment loss',
    yLabel: 'Σ over targets of 1 − cos, mean',
    value: (row, { config }) => (config.train.method === 'pag' ? row.penalty : null),
  },
  {
    title: 'Penalty',
    yLabel: 'of the training method, before λ, mean',
    value: (row, { config: { train } }) =>
      hasPenalty(train.method) && train.method !== 'pag' ? row.penalty : null,
  },
  { title: 'Mean cosine', yLabel: 'input gradient with target gradient', value: (row) => row.meanCosine },
  {
    title: 'Test accuracy',
    yLabel: 'clean accuracy on the test data (%)',
    value: (row) => 100 * row.testAccuracy,
  },
  {
    title: 'Validation under attack',
    yLabel: 'robust accuracy on held-out images (%)',
    value: ({ robustValidationAccuracy: share }) => (share === null ? null : 100 * share),
  },
];

/** All panels as one figure. */
export function trainingCurves(data: ReportData, numbers: Numbering): Markup {
  const plots = [...MEASURES.map((measure) => panel(measure, data.variants)), scorePanel(data.variants)];
  const labels = data.variants.map((variant, style) => ({ label: fullName(variant), style }));
  const body = markup`${legend(labels)}<div class="panels">${plots.map((plot) => plot && linePlot(plot))}</div>`;
  return figure(numbers, body, caption(data.variants));
}

function panel(measure: Measure, variants: VariantData[]): LinePlot | null {
  const series = variants.flatMap((variant, style) => {
    const points = variant.epochs.flatMap((row) => {
      const y = measure.value(row, variant);
      return y === null
        ? []
        : [{ x: row.epoch, y, title: `${variant.label}, epoch ${row.epoch}: ${y.toPrecision(4)}` }];
    });
    return points.length === 0 ? [] : [{ label: variant.short, style, points }];
  });
  if (series.length === 0) return null;
  const markers = series.every(({ points }) => points.length <= MOST_MARKERS);
  return {
    title: measure.title,
    xLabel: 'epoch',
    yLabel: measure.yLabel,
    xDomain: extent(series),
    markers,
    series,
  };
}

/** Loss of each learned score model, once where several variants share it. */
function scorePanel(variants: VariantData[]): LinePlot | null {
  const series = new Map<string, PlotSeries>();
  for (const [style, variant] of variants.entries()) {
    const key = keyOf(variant, 'score') ?? variant.label;
    const losses = variant.score?.losses ?? [];
    if (losses.length === 0 || series.has(key)) continue;
    const points = losses.map(({ step, loss }) => ({ x: step, y: loss }));
    series.set(key, { label: variant.short, style, points: binned(points, MOST_POINTS) });
  }
  if (series.size === 0) return null;
  const all = [...series.values()];
  return {
    title: 'Score model',
    yLabel: 'loss of its training',
    xLabel: 'step',
    xDomain: extent(all),
    markers: false,
    series: all,
  };
}

/** The points as they are if there are at most `most`, else the means of `most` or fewer equal runs of points. */
export function binned(points: PlotPoint[], most: number): PlotPoint[] {
  const size = Math.ceil(points.length / most);
  const means: PlotPoint[] = [];
  for (let from = 0; from < points.length; from += size) {
    const run = points.slice(from, from + size);
    const mean = (of: (point: PlotPoint) => number) =>
      run.reduce((sum, point) => sum + of(point), 0) / run.length;
    means.push({ x: mean((point) => point.x), y: mean((point) => point.y) });
  }
  return means;
}

function extent(series: PlotSeries[]): [number, number] {
  const values = series.flatMap(({ points }) => points.map((point) => point.x));
  const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  return high > low ? [low, high] : [low - 0.5, low + 0.5];
}

function caption(variants: VariantData[]): Markup {
  const n = distinct(
    variants,
    ({ dataset }) =>
      `${grouped(dataset.trainCount)} training and ${grouped(dataset.testCount)} test ${itemsOf(variants)}`,
  );
  const records = Math.max(...variants.map(({ score }) => score?.losses.length ?? 0));
  const bin = Math.ceil(records / MOST_POINTS);
  return markup`Training. Losses and cosine: means over the training ${itemsOf(variants)} of each epoch; n = ${n}. ${
    bin > 1 ? `The score model’s loss is averaged over bins of ${bin} records.` : null
  } ${figureSeed(variants)} ${keysOf(variants, 'train')}`;
}
