/** What each score model has learned: its loss on held-out data by noise level, and samples. */
import { itemsOf, shortKey } from './facts.ts';
import { figure, type Numbering } from './figure.ts';
import { linePlot } from './line-plot.ts';
import { type Markup, markup } from './markup.ts';
import {
  keyOf,
  type LearnedScore,
  type ReportData,
  type SampleSheet,
  type VariantData,
} from './report-data.ts';

type Learned = VariantData & { score: LearnedScore };

/** Markers of more points than this run into each other. */
const MOST_MARKERS = 20;

/** A figure for each score model, however many variants share it; null where there is nothing to show. */
export function scoreModels({ variants }: ReportData, numbers: Numbering): Markup | null {
  const users = new Map<string, Learned[]>();
  for (const variant of variants) {
    const { score } = variant;
    if (score === null || (score.heldOut.length === 0 && score.sheet === null)) continue;
    const key = keyOf(variant, 'score') ?? variant.label;
    users.set(key, [...(users.get(key) ?? []), { ...variant, score }]);
  }
  if (users.size === 0) return null;
  return markup`${[...users].map(([key, sharing]) => modelFigure(key, sharing, numbers))}`;
}

function modelFigure(key: string, users: Learned[], numbers: Numbering): Markup {
  const { score, config } = users[0]!;
  const { heldOut, sheet } = score;
  const kind = config.score.kind === 'ddpm' ? 'DDPM, mean squared error of ε' : 'EDM, weighted';
  const curves =
    heldOut.length === 0
      ? null
      : markup`Loss (${kind}) at noise levels σ of the scaled data; n = ${heldOutCount(users[0]!)} ${itemsOf(users)}, the same under the same noise each time.`;
  const samples =
    sheet === null
      ? null
      : markup`Samples after step ${sheet.step}: a row for each class and one without; the samples of a column begin with the same noise (${config.score.samples.sampler}, ${config.score.samples.steps} steps, guidance ${config.score.samples.guidance}).`;
  const body = markup`<div class="panels">${heldOut.length === 0 ? null : heldOutPlot(heldOut)}${sheet && sheetImage(sheet)}</div>`;
  return figure(
    numbers,
    body,
    markup`Score model of ${users.map(({ label }) => label).join(', ')}. ${curves} ${samples} Averaged weights; seed ${config.score.seed ?? config.seed}. Artifact: score ${shortKey(key)}.`,
  );
}

/** `128 test`, or `128 validation` where the data set has such a split. */
function heldOutCount({ config, dataset: { validationCount, testCount } }: Learned): string {
  const [count, split] =
    validationCount === undefined ? [testCount, 'test'] : [validationCount, 'validation'];
  return `${Math.min(config.score.validation.images, count)} ${split}`;
}

function heldOutPlot(heldOut: LearnedScore['heldOut']): Markup {
  const sigmas = [...new Set(heldOut.map(({ sigma }) => sigma))];
  const series = sigmas.map((sigma, style) => ({
    label: `σ ${Number(sigma.toPrecision(3))}`,
    style,
    points: heldOut.filter((row) => row.sigma === sigma).map(({ step, loss }) => ({ x: step, y: loss })),
  }));
  return linePlot({
    title: 'Held-out loss',
    xLabel: 'step',
    yLabel: 'mean over held-out data',
    markers: series.every(({ points }) => points.length <= MOST_MARKERS),
    series,
  });
}

function sheetImage({ png, width, height }: SampleSheet): Markup {
  const source = `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
  return markup`<img class="samples" src="${source}" width="${width}" height="${height}" alt="samples: a row for each class, the last without class">`;
}
