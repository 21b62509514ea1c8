/** Writes the report in its forms: for eyes, for the terminal, for papers, for tables and for programs. */
import { join } from 'node:path';
import type { StageContext } from '../../schemas/stage.ts';
import { writeFileAtomic } from '../../store/atomic-file.ts';
import { writeTable } from '../../store/tables.ts';
import { copiesOf } from './copies.ts';
import { gather } from './gather.ts';
import { reportHtml } from './html.ts';
import { resultColumns, summaryOf } from './results-table.ts';
import { summaryText } from './summary-text.ts';

/** `report.html`, `summary.txt`, `results.md`, `results.tex`, `results.parquet` and `summary.json`; the same inputs give the same bytes. */
export async function runReport(context: StageContext): Promise<void> {
  const data = await gather(context);
  const write = (name: string, text: string) => writeFileAtomic(join(context.directory, name), text);
  await writeTable(join(context.directory, 'results.parquet'), resultColumns(data));
  await write('summary.json', `${JSON.stringify(summaryOf(data), null, 2)}\n`);
  await write('summary.txt', summaryText(data));
  const { markdown, latex } = copiesOf(data);
  await write('results.md', markdown);
  await write('results.tex', latex);
  await write('report.html', reportHtml(data));
  context.progress({ done: data.variants.length, total: data.variants.length, unit: 'variants' });
}
