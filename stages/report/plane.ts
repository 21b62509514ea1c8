/** The figure of decision maps of two-dimensional data. */
import { figureSeed, keysOf } from './facts.ts';
import { figure, type Numbering } from './figure.ts';
import { type Markup, markup } from './markup.ts';
import { arrowStep, planeFrame, planePlot } from './plane-plot.ts';
import type { ReportData, VariantData } from './report-data.ts';

/** One map per variant that has one, as one figure; nothing where the data is not a plane. */
export function decisionMaps(data: ReportData, numbers: Numbering): Markup | null {
  const shown = data.variants.filter((variant) => variant.plane !== null);
  if (shown.length === 0) return null;
  const body = markup`<div class="panels">${shown.map((variant) => planePlot(variant))}</div>`;
  return figure(numbers, body, caption(shown));
}

function caption(variants: VariantData[]): Markup {
  const [first] = variants as [VariantData];
  const { stretch } = planeFrame(first.analysis.plane!.box);
  const scale =
    Math.abs(stretch - 1) < 1e-9
      ? 'Both axes have the same scale.'
      : `A unit of x₂ is drawn ${stretch.toFixed(2)} times as long as a unit of x₁.`;
  const names = first.dataset.classNames;
  const store = variants.find((variant) => variant.plane!.arrows !== null);
  const arrows = store === undefined ? null : store.plane!.arrows;
  const every =
    arrows === null || arrowStep(arrows) === 1 ? '' : ` (one in ${arrowStep(arrows)} of ${arrows.shape[0]})`;
  return markup`Decision maps. Colour: the classifier’s probability of class ${names[1] ?? '1'} (orange) against ${names[0] ?? '0'} (blue); black line: the boundary, where both logits are equal. Dots: n = ${first.plane!.points.shape[0]!} points, round for class ${names[0] ?? '0'}, square for class ${names[1] ?? '1'}. ${
    arrows === null
      ? null
      : `Arrows: directions of the target gradients towards the other class${every}, all drawn equally long.`
  } Bar: the largest ε of the L2 attacks. ${scale} ${figureSeed(variants)} ${keysOf(variants, 'analyze')}`;
}
