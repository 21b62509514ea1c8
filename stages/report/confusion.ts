/** Which classes attacks lead to: matrices of true and named classes, or the pairs most often confused where classes are many. */
import { epsText, grouped, percent } from '../numerics/analyses/figure-text.ts';
import { figureSeed, itemsOf, keysOf } from './facts.ts';
import { figure, type Numbering } from './figure.ts';
import { type Markup, markup } from './markup.ts';
import type { AttackFigure, ReportData, VariantData } from './report-data.ts';
import { type AttackRow, attackRows, distinct } from './settings.ts';
import { table } from './table.ts';

/** A matrix of more classes cannot be read. */
const MOST_CLASSES = 20;

/** Pairs told of each variant where classes are many. */
const PAIRS = 10;

/** Strength of the colour of a cell that holds all images of its class. */
const STRONGEST = 0.5;

/** Null where no attack tells which classes were named. */
export function confusion({ variants }: ReportData, numbers: Numbering): Markup | null {
  const row = chosenRow(variants);
  if (row === null) return null;
  const shown = variants.flatMap((variant, i) => {
    const found = row.figures[i];
    return found && found.confusion.length > 0 ? [{ variant, found }] : [];
  });
  if (shown.length === 0) return null;
  const classes = Math.max(...shown.map(({ found }) => found.confusion.length));
  const attack = `${row.kind.name}, ε = ${epsText(row.eps)}`;
  const used = shown.map(({ variant }) => variant);
  const n = distinct(used, ({ attack: { n } }) => grouped(n));
  const facts = markup`n = ${n} test ${itemsOf(used)}. ${figureSeed(used)} ${keysOf(used, 'attack')}`;
  if (classes > MOST_CLASSES) return pairsTable(shown, attack, facts, numbers);
  const body = markup`<div class="panels${classes > 12 ? ' wide' : null}">${shown.map(({ variant, found }) => matrix(variant, found))}</div>`;
  return figure(
    numbers,
    body,
    markup`Classes named under ${attack}: a row for each true class, a column for each class named, ${itemsOf(used)} counted; those still right lie on the diagonal. The stronger the colour, the larger the share of its row. ${facts}`,
  );
}

/** The attack that is shown: AutoAttack, else PGD, else the first; of its ε the middle one. */
function chosenRow(variants: VariantData[]): AttackRow | null {
  const rows = attackRows(variants).filter(({ kind }) => !kind.targeted && !kind.minimal);
  const isOf = (method: string) => (row: AttackRow) => row.figures.some((found) => found?.method === method);
  const first = rows.find(isOf('auto-attack')) ?? rows.find(isOf('pgd')) ?? rows[0];
  if (first === undefined) return null;
  const same = rows.filter(({ kind }) => kind.id === first.kind.id);
  return same[(same.length - 1) >> 1]!;
}

/** One variant's matrix as an SVG; cells are as large whatever the number of classes. */
function matrix({ label, dataset }: VariantData, { confusion: counts }: AttackFigure): Markup {
  const classes = counts.length;
  const names = dataset.classNames.length === classes ? dataset.classNames : counts.map((_, i) => String(i));
  const letters = Math.min(11, Math.max(...names.map((name) => [...name].length)));
  const margin = Math.max(22, 8 + 6.3 * letters);
  const cell = Math.max(26, (356 - margin) / classes);
  const [width, height] = [margin + cell * classes + 4, 20 + margin + cell * classes + 4];
  const short = names.map((name) => ([...name].length <= 11 ? name : `${[...name].slice(0, 10).join('')}…`));
  const top = 20 + margin;
  const center = (i: number) => round(cell * (i + 0.5));
  return markup`<svg viewBox="0 0 ${round(width)} ${round(height)}" role="img" aria-label="classes named under attack, ${label}">
<text class="title" x="4" y="14">${label}</text>
${short.map(
  (name, i) =>
    markup`<text class="tick" text-anchor="end" x="${round(margin - 5)}" y="${round(top + center(i) + 3.5)}">${name}</text>
${letters <= 2 ? markup`<text class="tick" text-anchor="middle" x="${round(margin + center(i))}" y="${round(top - 6)}">${name}</text>` : markup`<text class="tick" transform="translate(${round(margin + center(i) + 3.5)},${round(top - 5)}) rotate(-90)">${name}</text>`}
`,
)}${counts.map((row, i) => row.map((count, k) => matrixCell(count, row, { i, k, cell, left: margin, top, names })))}</svg>`;
}

interface Place {
  /** True class, and class named. */
  i: number;
  k: number;
  cell: number;
  left: number;
  top: number;
  names: string[];
}

function matrixCell(count: number, row: number[], { i, k, cell, left, top, names }: Place): Markup {
  const all = row.reduce((sum, value) => sum + value, 0);
  const strength = all === 0 ? 0 : STRONGEST * Math.sqrt(count / all);
  const [x, y] = [round(left + k * cell), round(top + i * cell)];
  const color = i === k ? 's1' : 's2';
  const title = `${names[i]} named ${names[k]}: ${count} of ${all}`;
  const text =
    count === 0
      ? null
      : markup`<text class="count" text-anchor="middle" x="${round(x + cell / 2)}" y="${round(y + cell / 2 + 3.5)}">${count}</text>`;
  return markup`<g class="${color}"><rect x="${x}" y="${y}" width="${round(cell)}" height="${round(cell)}" fill="currentColor" fill-opacity="${round(strength)}" class="cell"><title>${title}</title></rect>${text}</g>`;
}

interface Shown {
  variant: VariantData;
  found: AttackFigure;
}

/** The pairs that are confused most often. */
function pairsTable(shown: Shown[], attack: string, facts: Markup, numbers: Numbering): Markup {
  const rows = shown.flatMap(({ variant, found }) =>
    mostConfused(found.confusion, PAIRS).map(({ i, k, count, all }) => [
      variant.label,
      variant.dataset.classNames[i] ?? String(i),
      variant.dataset.classNames[k] ?? String(k),
      String(count),
      percent(count / all),
    ]),
  );
  const columns = [
    { name: 'variant' },
    { name: 'true class' },
    { name: 'class named' },
    { name: 'images', number: true },
    { name: '% of the class', number: true },
  ];
  const caption = markup`<b>Table ${numbers.table()}.</b> The ${PAIRS} pairs of classes that are confused most often under ${attack}. ${facts}`;
  return table(columns, rows, caption);
}

/** Cells off the diagonal by falling count, without zeros. */
export function mostConfused(
  counts: number[][],
  most: number,
): { i: number; k: number; count: number; all: number }[] {
  const cells = counts.flatMap((row, i) => {
    const all = row.reduce((sum, value) => sum + value, 0);
    return row.map((count, k) => ({ i, k, count, all }));
  });
  const wrong = cells.filter(({ i, k, count }) => i !== k && count > 0);
  return wrong.sort((a, b) => b.count - a.count || a.i - b.i || a.k - b.k).slice(0, most);
}

const round = (value: number) => Math.round(100 * value) / 100;
