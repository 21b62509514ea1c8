/** `row.md` and `row.tex`: the figures as a table for a paper. */
import { join } from 'node:path';
import type { AttackSummary } from '../../schemas/attack-results.ts';
import { writeFileAtomic } from '../../store/atomic-file.ts';
import { accuracyTable } from '../numerics/analyses/attack-tables/accuracy-table.ts';
import { latexTable } from '../numerics/analyses/attack-tables/latex.ts';
import { markdownTable } from '../numerics/analyses/attack-tables/markdown.ts';

export async function writeTableRows(directory: string, summary: AttackSummary): Promise<void> {
  const table = accuracyTable([{ label: summary.model, summary }]);
  await writeFileAtomic(join(directory, 'row.md'), markdownTable(table));
  await writeFileAtomic(join(directory, 'row.tex'), latexTable(table));
}
