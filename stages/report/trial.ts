/** Numerics on trial: measured doubts about the gradients themselves. */

import { grouped } from '../numerics/analyses/figure-text.ts';
import { itemsOf, methodOf } from './facts.ts';
import type { Numbering } from './figure.ts';
import { type Markup, markup } from './markup.ts';
import type { ReportData, VariantData } from './report-data.ts';
import { table } from './table.ts';

/** Up to two tables: alignment reached, and learned scores against analytic ones. */
export function numericsOnTrial(data: ReportData, numbers: Numbering): Markup {
  const parts = [alignment(data.variants, numbers), scores(data.variants, numbers)];
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

function cosine(value: number): string {
  return value.toFixed(4);
}
