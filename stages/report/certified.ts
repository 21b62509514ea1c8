/** Certified accuracy of the smoothed classifiers, where certificates were asked for. */

import { epsText, grouped } from '../numerics/analyses/figure-text.ts';
import { itemsOf } from './facts.ts';
import type { Numbering } from './figure.ts';
import { type Markup, markup } from './markup.ts';
import type { ReportData, VariantData } from './report-data.ts';
import { distinct } from './settings.ts';
import { share, table } from './table.ts';

type Certificate = NonNullable<VariantData['attack']['certificate']>;

/** All radii that any variant tells, rising. */
export function certifiedRadii(variants: VariantData[]): number[] {
  const radii = variants.flatMap(({ attack }) => attack.certificate?.radii.map(({ radius }) => radius) ?? []);
  return [...new Set(radii)].sort((a, b) => a - b);
}

/** How many are certified to be classified right within a radius; null where that was not counted. */
export function certifiedWithin(
  { attack: { certificate } }: VariantData,
  radius: number,
): { correct: number; n: number } | null {
  const found = certificate?.radii.find((entry) => entry.radius === radius);
  return found === undefined ? null : { correct: found.correct, n: certificate!.images };
}

/** One row per certified variant; null where there is none. */
export function certifiedTable({ variants }: ReportData, numbers: Numbering): Markup | null {
  const tried = variants.flatMap((variant) => {
    const { certificate } = variant.attack;
    return certificate === undefined ? [] : [{ variant, certificate }];
  });
  if (tried.length === 0) return null;
  const radii = certifiedRadii(variants);
  const names = ['σ', 'abstained', 'predicted', ...radii.map((radius) => `radius ${epsText(radius)}`)];
  const rows = tried.map(({ variant, certificate }) => [
    variant.label,
    epsText(certificate.sigma),
    share(certificate.abstained, certificate.images),
    share(certificate.predicted.correct, certificate.images),
    ...radii.map((radius) => {
      const found = certifiedWithin(variant, radius);
      return found === null ? '–' : share(found.correct, found.n);
    }),
  ]);
  const columns = [{ name: 'variant' }, ...names.map((name) => ({ name, number: true }))];
  return table(columns, rows, caption(tried, numbers.table()));
}

function caption(tried: { variant: VariantData; certificate: Certificate }[], number: number): Markup {
  const variants = tried.map(({ variant }) => variant);
  const said = (of: (certificate: Certificate) => number) =>
    distinct(tried, ({ certificate }) => grouped(of(certificate)));
  const alpha = distinct(tried, ({ certificate }) => String(certificate.alpha));
  return markup`<b>Table ${number}.</b> Randomized smoothing with Gaussian noise of deviation σ (Cohen et al. 2019), n = ${said((certificate) => certificate.images)} test ${itemsOf(variants)}, in % with Wilson’s 95 % intervals. Predicted: the smoothed classifier is right. Radius: it is certified to be right for every perturbation up to that L2 length; each certificate is wrong with probability ${alpha} at most. ${said((certificate) => certificate.n0)} draws choose a class, ${said((certificate) => certificate.n)} others bound its probability.`;
}
