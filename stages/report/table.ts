/** Tables: a plain one, and the headline table of clean and robust accuracy. */

import { epsText, grouped, percent } from '../numerics/analyses/figure-text.ts';
import { wilson } from '../numerics/analyses/wilson.ts';
import { figureSeed, itemsOf } from './facts.ts';
import type { Numbering } from './figure.ts';
import { type Markup, markup, type Part } from './markup.ts';
import type { ReportData, VariantData } from './report-data.ts';
import { type AttackRow, attackRows, distinct } from './settings.ts';

/** Columns beside each other; more variants than that get a table of their own below. */
const COLUMNS = 6;

/** Beyond so many columns intervals stand below their values. */
const ROOMY = 4;

export interface Column {
  name: string;
  /** Numbers stand to the right. */
  number?: boolean;
}

/** A table whose first column names the rows. */
export function table(columns: Column[], rows: Part[][], caption: Markup, look = ''): Markup {
  const kind = (i: number) => (columns[i]!.number ? 'number' : 'text');
  return markup`<p class="caption">${caption}</p><div class="scroll" tabindex="0"><table${look === '' ? null : markup` class="${look}"`}>
<thead><tr>${columns.map((column, i) => markup`<th scope="col" class="${kind(i)}">${column.name}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row) =>
      markup`<tr>${row.map((cell, i) => (i === 0 ? markup`<th scope="row">${cell}</th>` : markup`<td class="${kind(i)}">${cell}</td>`))}</tr>
`,
  )}</tbody></table></div>`;
}

/** A share in % with its interval. */
export function share(correct: number, n: number): Markup {
  const { value, low, high } = wilson(correct, n);
  return markup`${percent(value)}<span class="interval">${percent(low)} – ${percent(high)}</span>`;
}

/** Clean and robust accuracy of every variant with Wilson's 95 % intervals; the largest of each row is bold. */
export function headlineTable(data: ReportData, numbers: Numbering): Markup {
  const rows = attackRows(data.variants);
  const blocks: Markup[] = [];
  for (let from = 0; from < data.variants.length; from += COLUMNS) {
    blocks.push(block(data, rows, from, numbers));
  }
  return markup`${blocks}`;
}

/** A count out of n; null where there is none. */
type Count = { correct: number; n: number } | null;

function block(data: ReportData, rows: AttackRow[], from: number, numbers: Numbering): Markup {
  const shown = data.variants.slice(from, from + COLUMNS);
  const clean = data.variants.map(({ attack }) => ({ correct: attack.cleanCorrect, n: attack.n }));
  return markup`<p class="caption">${caption(data, shown, numbers.table())}</p><div class="scroll" tabindex="0"><table class="headline${shown.length > ROOMY ? ' dense' : null}">
<thead><tr><th scope="col">accuracy in %</th>${shown.map(
    (variant) =>
      markup`<th scope="col" class="number">${columnHead(variant)}${variant.attack.doubts.length > 0 ? ' ⚠' : null}</th>`,
  )}</tr></thead>
<tbody>${line('clean', clean, from, 'clean')}
${rows.map((row, i) => {
  const isFirst = i === 0 || rows[i - 1]!.kind.id !== row.kind.id;
  const heading = markup`<tr class="group"><th scope="rowgroup" colspan="${shown.length + 1}">${groupName(row)}</th></tr>
`;
  const counts = row.figures.map((figure) => figure && { correct: figure.robust, n: figure.n });
  return markup`${isFirst ? heading : null}${line(`ε = ${epsText(row.eps)}`, counts, from, 'robust')}
`;
})}</tbody></table></div>`;
}

function columnHead({ label, short }: VariantData): Part {
  return label === short ? label : markup`${short}<span class="label">${label}</span>`;
}

function groupName({ kind }: AttackRow): string {
  return kind.targeted ? `not led to the target: ${kind.name}` : `robust accuracy under ${kind.name}`;
}

function line(name: string, counts: Count[], from: number, kind: string): Markup {
  const shares = counts.map((count) => (count === null ? Number.NEGATIVE_INFINITY : count.correct / count.n));
  const best = new Set(shares).size > 1 ? Math.max(...shares) : null;
  const cells = counts.slice(from, from + COLUMNS).map((count, i) => cell(count, shares[from + i] === best));
  return markup`<tr class="${kind}"><th scope="row">${name}</th>${cells}</tr>`;
}

function cell(count: Count, isBest: boolean): Markup {
  if (count === null) return markup`<td class="number">–</td>`;
  return markup`<td class="number${isBest ? ' best' : null}" title="${count.correct} of ${count.n}">${share(count.correct, count.n)}</td>`;
}

function caption(data: ReportData, shown: VariantData[], number: number): Markup {
  const n = distinct(shown, ({ attack }) => grouped(attack.n));
  return markup`<b>Table ${number}.</b> Accuracy in % on n = ${n} test ${itemsOf(shown)} of ${distinct(shown, ({ dataset }) => dataset.name)}, with Wilson’s 95 % intervals. ${figureSeed(shown)} ${data.variants.length > 1 ? 'Bold: the largest value of the row among all variants.' : null}`;
}
