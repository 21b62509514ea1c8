/** `row.md` and `row.tex`: the figures as tables for a paper, one for each norm. */
import { join } from 'node:path';
import type { AttackSummary } from '../../schemas/attack-results.ts';
import { writeFileAtomic } from '../../store/atomic-file.ts';
import { accuracyTables } from '../numerics/analyses/attack-tables/accuracy-table.ts';
import { latexTables } from '../numerics/analyses/attack-tables/latex.ts';
import { markdownTables } from '../numerics/analyses/attack-tables/markdown.ts';

export async function writeTableRows(directory: string, summary: AttackSummary): Promise<void> {
  const tables = accuracyTables([{ label: summary.model, summary }]);
  await writeFileAtomic(join(directory, 'row.md'), markdownTables(tables));
  await writeFileAtomic(join(directory, 'row.tex'), latexTables(tables));
}
