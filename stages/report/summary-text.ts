/** The summary for a terminal: clean and robust accuracy first, at most 80 columns wide. */

import { attackTitle } from '../numerics/analyses/attack-tables/attack-title.ts';
import { epsText, grouped, percent } from '../numerics/analyses/figure-text.ts';
import { wilson } from '../numerics/analyses/wilson.ts';
import { certifiedRadii, certifiedWithin } from './certified.ts';
import { figureSeed, itemsOf } from './facts.ts';
import type { ReportData, VariantData } from './report-data.ts';
import { type AttackRow, attackRows, distinct } from './settings.ts';

const WIDTH = 80;
const NAME_WIDTH = 24;
const LEAST_COLUMN = 8;

/** Text of `summary.txt`, ending in a line break. */
export function summaryText(data: ReportData): string {
  const { variants } = data;
  const lines = [
    ...wrap(data.title),
    ...wrap(
      `Accuracy in % on n = ${distinct(variants, ({ attack }) => grouped(attack.n))} test ${itemsOf(variants)} of ${distinct(variants, ({ dataset }) => dataset.name)}. ${figureSeed(variants)}`,
    ),
    ...warningLines(variants),
    ...blocks(variants),
    '',
    ...wrap(
      `95 % intervals: at most ± ${widest(variants).toFixed(1)} points (Wilson). Robust accuracy is an upper bound: a stronger attack may find more adversarial ${itemsOf(variants)}.`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

/** One row of figures: a heading has no cells. */
interface Line {
  name: string;
  shares: (number | null)[];
}

function tableLines(variants: VariantData[]): (Line | string)[] {
  const clean = { name: 'clean', shares: variants.map(({ attack }) => attack.cleanCorrect / attack.n) };
  const rows = attackRows(variants).flatMap((row, i, all) => {
    const isFirst = i === 0 || all[i - 1]!.kind.id !== row.kind.id;
    const heading = row.kind.targeted
      ? `not led to the target, ${row.kind.name}`
      : `robust under ${row.kind.name}`;
    const shares = row.figures.map((figure) => figure && figure.robust / figure.n);
    return [
      ...(isFirst ? [heading] : []),
      { name: `  ε = ${epsText(row.eps)}`, shares },
      ...cascadeLines(row),
    ];
  });
  return [clean, ...rows, ...certifiedLines(variants)];
}

/** What the attacks of a cascade before the last one have left, where all variants went through the same. */
function cascadeLines({ figures }: AttackRow): Line[] {
  const lists = figures.flatMap((figure) =>
    figure === null ? [] : [figure.parts.map(({ attack }) => attack)],
  );
  const [names = []] = lists;
  if (lists.some((list) => list.join() !== names.join())) return [];
  return names.slice(0, -1).map((attack, i) => ({
    name: `    after ${attackTitle(attack)}`,
    shares: figures.map((figure) => figure && figure.parts[i]!.robust / figure.n),
  }));
}

function certifiedLines(variants: VariantData[]): (Line | string)[] {
  const tried = variants.filter(({ attack }) => attack.certificate !== undefined);
  if (tried.length === 0) return [];
  const n = distinct(tried, ({ attack }) => grouped(attack.certificate!.images));
  const rows = certifiedRadii(variants).map((radius) => ({
    name: `  radius = ${epsText(radius)}`,
    shares: variants.map((variant) => {
      const found = certifiedWithin(variant, radius);
      return found && found.correct / found.n;
    }),
  }));
  return [`certified to be right within an L2 radius, n = ${n}`, ...rows];
}

/** As many variants beside each other as fit; the others below. */
function blocks(variants: VariantData[]): string[] {
  const labels = variants.map(({ short }) => short);
  const column = Math.max(LEAST_COLUMN, ...labels.map((label) => [...label].length + 2));
  const fit = Math.floor((WIDTH - NAME_WIDTH) / column);
  const table = tableLines(variants);
  const lines = keyLines(variants);
  for (let from = 0; from < variants.length; from += fit) {
    const heads = labels.slice(from, from + fit).map((label) => padLeft(label, column));
    lines.push('', (' '.repeat(NAME_WIDTH) + heads.join('')).trimEnd());
    for (const line of table)
      lines.push(typeof line === 'string' ? cut(line, WIDTH) : textLine(line, from, fit, column));
  }
  return lines;
}

/** What the numbers at the head of the columns stand for; nothing where labels fit. */
function keyLines(variants: VariantData[]): string[] {
  const keys = variants.filter(({ label, short }) => label !== short);
  return keys.length === 0
    ? []
    : ['', ...keys.map(({ label, short }) => cut(`${short.padStart(3)}  ${label}`, WIDTH))];
}

function textLine({ name, shares }: Line, from: number, fit: number, column: number): string {
  const cells = shares
    .slice(from, from + fit)
    .map((share) => padLeft(share === null ? '–' : percent(share), column));
  return cut(name, NAME_WIDTH).padEnd(NAME_WIDTH) + cells.join('');
}

function warningLines(variants: VariantData[]): string[] {
  const found = variants.flatMap(({ label, attack }) =>
    attack.doubts.map(({ sentence }) => `! ${label}: ${sentence}`),
  );
  return found.length === 0 ? [] : ['', ...found.flatMap((line) => wrap(line))];
}

/** Half the width of the widest interval, in points. */
function widest(variants: VariantData[]): number {
  const counts = variants.flatMap(({ attack }) => [
    { correct: attack.cleanCorrect, n: attack.n },
    ...attack.attacks.map(({ robust, n }) => ({ correct: robust, n })),
    ...(attack.certificate?.radii ?? []).map(({ correct }) => ({ correct, n: attack.certificate!.images })),
  ]);
  const halves = counts.map(({ correct, n }) => {
    const { low, high } = wilson(correct, n);
    return (100 * (high - low)) / 2;
  });
  return Math.max(...halves);
}

function padLeft(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - [...text].length)) + text;
}

function cut(text: string, width: number): string {
  const letters = [...text];
  return letters.length <= width ? text : `${letters.slice(0, width - 1).join('')}…`;
}

function wrap(text: string): string[] {
  const lines: string[] = [''];
  for (const word of text.split(/\s+/)) {
    const longer = lines.at(-1) === '' ? cut(word, WIDTH) : `${lines.at(-1)} ${cut(word, WIDTH)}`;
    if ([...longer].length <= WIDTH) lines[lines.length - 1] = longer;
    else lines.push(cut(word, WIDTH));
  }
  return lines;
}
