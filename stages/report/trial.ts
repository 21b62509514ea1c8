/** Numerics on trial: measured doubts about the gradients themselves. */
import { itemsOf, methodOf } from './facts.ts';
import type { Numbering } from './figure.ts';
import { type Markup, markup } from './markup.ts';
import { keyOf, type ReportData, type VariantData } from './report-data.ts';
import { grouped } from './settings.ts';
import { table } from './table.ts';

/** Up to three tables: alignment reached, learned scores against analytic ones, and what the codec lost. */
export function numericsOnTrial(data: ReportData, numbers: Numbering): Markup {
  const parts = [
    alignment(data.variants, numbers),
    scores(data.variants, numbers),
    codecs(data.variants, numbers),
  ];
  if (parts.every((part) => part === null)) {
    return markup`<p>No variant uses target gradients, so there is nothing to compare.</p>`;
  }
  return markup`${parts}`;
}

function alignment(variants: VariantData[], numbers: Numbering): Markup | null {
  const rows = variants.flatMap((variant) => {
    const found = variant.analysis.alignment;
    return found === null
      ? []
      : [[variant.label, methodOf(variant), cosine(found.meanCosine), grouped(found.images)]];
  });
  if (rows.length === 0) return null;
  const caption = markup`<b>Table ${numbers.table()}.</b> How well each classifier’s input gradients point along its own target gradients: mean cosine over n training ${itemsOf(variants)} and all targets, after training.`;
  return table(
    [
      { name: 'variant' },
      { name: 'training' },
      { name: 'mean cosine', number: true },
      { name: 'n', number: true },
    ],
    rows,
    caption,
  );
}

function scores(variants: VariantData[], numbers: Numbering): Markup | null {
  const rows = variants.flatMap((variant) => {
    const found = variant.analysis.scoreAgreement;
    return found === null
      ? []
      : [
          [
            variant.label,
            variant.config.score.kind === 'analytic' ? 'analytic' : 'learned',
            cosine(found.meanCosine),
            cosine(found.worstCosine),
            grouped(found.n),
          ],
        ];
  });
  if (rows.length === 0) return null;
  const caption = markup`<b>Table ${numbers.table()}.</b> Stored score differences against the analytic ones of the Gaussian mixture: cosine, 1 is perfect.`;
  return table(
    [
      { name: 'variant' },
      { name: 'score' },
      { name: 'mean cosine', number: true },
      { name: 'worst cosine', number: true },
      { name: 'n', number: true },
    ],
    rows,
    caption,
  );
}

function codecs(variants: VariantData[], numbers: Numbering): Markup | null {
  const stores = new Map<string, (string | number)[]>();
  for (const variant of variants) {
    const { targets } = variant;
    if (targets === null) continue;
    const key = keyOf(variant, 'precompute') ?? variant.label;
    const names = stores.get(key)?.[0];
    const lost = [targets.meanCosineLoss.toExponential(1), targets.worstCosineLoss.toExponential(1)];
    const name = names === undefined ? variant.label : `${names}, ${variant.label}`;
    stores.set(key, [name, variant.config.precompute.method, targets.codec, ...lost, grouped(targets.rows)]);
  }
  if (stores.size === 0) return null;
  const caption = markup`<b>Table ${numbers.table()}.</b> What the codec of the gradient store lost: 1 − cosine between each target gradient and what is read back. The loss uses directions only.`;
  return table(
    [
      { name: 'variants' },
      { name: 'targets' },
      { name: 'codec' },
      { name: 'mean 1 − cos', number: true },
      { name: 'worst 1 − cos', number: true },
      { name: 'n (pairs with a target)', number: true },
    ],
    [...stores.values()],
    caption,
  );
}

function cosine(value: number): string {
  return value.toFixed(4);
}
