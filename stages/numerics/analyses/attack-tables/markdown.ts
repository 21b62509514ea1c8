/** Tables of accuracies as Markdown (GitHub's dialect). */
import { epsText, NORM_NAMES, percent } from '../figure-text.ts';
import { wilson } from '../wilson.ts';
import { type AccuracyTable, type AttackColumn, type Count, noteOf } from './accuracy-table.ts';

/** Ends in a line break. */
export function markdownTables(tables: readonly AccuracyTable[]): string {
  return tables.map(markdownTable).join('\n');
}

function markdownTable(table: AccuracyTable): string {
  const head = ['model', 'data', 'norm', 'ε', 'clean', ...table.attacks.map(columnName)];
  const rows = table.rows.map(({ model, data, norm, eps, clean, robust }) => [
    model,
    data,
    norm === null ? '–' : NORM_NAMES[norm],
    eps === null ? '–' : epsText(eps),
    ...[clean, ...robust].map(share),
  ]);
  const rule = head.map((_, i) => (i < 3 ? '---' : '---:'));
  const lines = [head.map(escapeMarkdown), rule, ...rows.map((row) => row.map(escapeMarkdown))];
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n\n${noteOf(table)}\n`;
}

/** `AutoAttack standard: APGD-CE`, then `+ APGD-T`. */
function columnName(
  { cascade, attack }: AttackColumn,
  position: number,
  columns: readonly AttackColumn[],
): string {
  if (cascade === null) return attack;
  return columns[position - 1]?.cascade === cascade ? `+ ${attack}` : `${cascade}: ${attack}`;
}

function share(count: Count | null): string {
  if (count === null) return '–';
  const { value, low, high } = wilson(count.correct, count.n);
  return `${percent(value)} ± ${percent((high - low) / 2)}`;
}

/** Text that Markdown shows as it is. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]<>|~&#]/g, '\\$&').replace(/\s+/g, ' ');
}
