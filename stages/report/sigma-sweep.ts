/** What the noise level of score-based targets decides: curves over σ, where variants differ in it alone. */
import { sigmasOf } from '../../schemas/precompute-config.ts';
import { figureSeed, itemsOf, keysOf } from './facts.ts';
import { figure, type Numbering } from './figure.ts';
import { type LinePlot, linePlot, type PlotSeries } from './line-plot.ts';
import { type Markup, markup } from './markup.ts';
import type { ReportData, VariantData } from './report-data.ts';
import { legend } from './series.ts';

/** Variants that differ in σ alone, by rising σ. */
interface Sweep {
  label: string;
  variants: { sigma: number; variant: VariantData }[];
}

/** One panel: its title, what its values are, and the value of a variant, null where there is none. */
interface Measure {
  title: string;
  yLabel: string;
  value(variant: VariantData): number | null;
}

const MEASURES: readonly Measure[] = [
  {
    title: 'Targets and the truth',
    yLabel: 'mean cosine with the exact score difference',
    value: ({ analysis }) => analysis.scoreAgreement?.meanCosine ?? null,
  },
  {
    title: 'Classifier and its targets',
    yLabel: 'mean cosine after training',
    value: ({ analysis }) => analysis.alignment?.meanCosine ?? null,
  },
];

/** Null where no two variants differ in σ alone. */
export function sigmaSweep({ variants }: ReportData, numbers: Numbering): Markup | null {
  const sweeps = sweepsOf(variants);
  if (sweeps.length === 0) return null;
  const plots = MEASURES.map((measure) => panel(measure, sweeps)).filter((plot) => plot !== null);
  const names = legend(sweeps.map(({ label }, style) => ({ label, style })));
  const used = sweeps.flatMap((sweep) => sweep.variants.map(({ variant }) => variant));
  const caption = markup`Score-based targets against the noise level σ at which they were taken, in units of ${unitOf(used)}; each point is one classifier, and the targets are those of its training ${itemsOf(used)}. ${figureSeed(used)} ${keysOf(used, 'analyze')}`;
  return figure(
    numbers,
    markup`${names}<div class="panels">${plots.map((plot) => linePlot(plot))}</div>`,
    caption,
  );
}

function sweepsOf(variants: VariantData[]): Sweep[] {
  const found = new Map<string, Sweep>();
  for (const variant of variants) {
    const { config } = variant;
    const [sigma, ...more] = sigmasOf(config.precompute);
    const isSwept = config.train.method === 'pag' && config.precompute.method === 'sbg' && more.length === 0;
    if (!isSwept) continue;
    const others = JSON.stringify({ ...config, precompute: { ...config.precompute, sigma: null } });
    const sweep = found.get(others) ?? { label: labelWithout(variant), variants: [] };
    sweep.variants.push({ sigma: sigma!, variant });
    found.set(others, sweep);
  }
  const sweeps = [...found.values()].filter((sweep) => sweep.variants.length > 1);
  for (const sweep of sweeps) sweep.variants.sort((a, b) => a.sigma - b.sigma);
  return sweeps;
}

/** The matrix names variants after its settings: `draws=8 sigma=20` -> `draws=8`. */
function labelWithout({ label }: VariantData): string {
  const words = label.split(' ').filter((word) => !/^(precompute\.)?sigma=/.test(word));
  return words.join(' ') || 'sbg';
}

function panel({ title, yLabel, value }: Measure, sweeps: Sweep[]): LinePlot | null {
  const series = sweeps.flatMap(({ label, variants }, style): PlotSeries[] => {
    const points = variants.flatMap(({ sigma, variant }) => {
      const y = value(variant);
      return y === null ? [] : [{ x: sigma, y, title: `${variant.label}: ${y.toFixed(4)}` }];
    });
    return points.length === 0 ? [] : [{ label: [...label].slice(0, 16).join(''), style, points }];
  });
  if (series.length === 0) return null;
  const sigmas = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  return { title, xLabel: 'noise level σ', yLabel, xTicks: sigmas, markers: true, series };
}

function unitOf(variants: VariantData[]): string {
  return variants[0]!.dataset.box === null ? 'the coordinates' : 'images scaled to [−1, 1]';
}
