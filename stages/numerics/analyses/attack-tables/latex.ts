/** Tables of accuracies as LaTeX, to be put into a paper that loads `booktabs`. */
import { epsText, percent } from '../figure-text.ts';
import { wilson } from '../wilson.ts';
import { type AccuracyTable, type AttackColumn, type Count, noteOf } from './accuracy-table.ts';

const NORMS = { Linf: '$\\ell_\\infty$', L2: '$\\ell_2$', L1: '$\\ell_1$' } as const;

const FIRST = ['model', 'data', 'norm', '$\\epsilon$', 'clean'];

/** A `tabular` for each table, with a comment that says what it holds. Ends in a line break. */
export function latexTables(tables: readonly AccuracyTable[]): string {
  return tables.map(latexTable).join('\n');
}

function latexTable(table: AccuracyTable): string {
  const head = [...FIRST, ...table.attacks.map(columnName)];
  const rows = table.rows.map(({ model, data, norm, eps, clean, robust }) => [
    escapeLatex(model),
    escapeLatex(data),
    norm === null ? '--' : NORMS[norm],
    eps === null ? '--' : `$${epsText(eps)}$`,
    ...[clean, ...robust].map(share),
  ]);
  const line = (cells: string[]) => `${cells.join(' & ')} \\\\`;
  return `% ${noteOf(table).replace(/\s+/g, ' ')}
% Needs \\usepackage{booktabs}.
\\begin{tabular}{lll${'r'.repeat(head.length - 3)}}
\\toprule
${cascadeLines(table.attacks)}${line(head)}
\\midrule
${rows.map(line).join('\n')}
\\bottomrule
\\end{tabular}
`;
}

/** The names of cascades above their columns; nothing where there are none. */
function cascadeLines(attacks: readonly AttackColumn[]): string {
  const cascades = [...new Set(attacks.flatMap(({ cascade }) => cascade ?? []))];
  if (cascades.length === 0) return '';
  const spans = cascades.map((cascade) => {
    const first = attacks.findIndex((column) => column.cascade === cascade);
    return { cascade, first, length: attacks.filter((column) => column.cascade === cascade).length };
  });
  const cells = FIRST.map(() => '');
  for (let i = 0; i < attacks.length; ) {
    const span = spans.find(({ first }) => first === i);
    cells.push(span === undefined ? '' : `\\multicolumn{${span.length}}{c}{${escapeLatex(span.cascade)}}`);
    i += span?.length ?? 1;
  }
  const rules = spans.map(({ first, length }) => {
    const from = FIRST.length + first + 1;
    return `\\cmidrule(lr){${from}-${from + length - 1}}`;
  });
  return `${cells.join(' & ')} \\\\\n${rules.join(' ')}\n`;
}

/** `APGD-CE`, then `+ APGD-T`. */
function columnName(
  { cascade, attack }: AttackColumn,
  position: number,
  columns: readonly AttackColumn[],
): string {
  const isNext = cascade !== null && columns[position - 1]?.cascade === cascade;
  return `${isNext ? '+ ' : ''}${escapeLatex(attack)}`;
}

function share(count: Count | null): string {
  if (count === null) return '--';
  const { value, low, high } = wilson(count.correct, count.n);
  return `$${percent(value)} \\pm ${percent((high - low) / 2)}$`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
  '|': '\\textbar{}',
  '"': '\\textquotedbl{}',
  '∞': '$\\infty$',
  ε: '$\\epsilon$',
  λ: '$\\lambda$',
  σ: '$\\sigma$',
  '·': '$\\cdot$',
  '×': '$\\times$',
  '±': '$\\pm$',
  '–': '--',
  '−': '$-$',
  '…': '\\ldots{}',
};

/** Text that LaTeX prints as it is. */
export function escapeLatex(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\~^<>|"∞ελσ·×±–−…{}$&#_%]/g, (letter) => ESCAPES[letter] ?? `\\${letter}`);
}
