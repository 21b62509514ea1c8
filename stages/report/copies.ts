/** The figures of all variants as Markdown and LaTeX, to be copied into a paper or a README. */
import { accuracyTables } from '../numerics/analyses/attack-tables/accuracy-table.ts';
import { latexTables } from '../numerics/analyses/attack-tables/latex.ts';
import { markdownTables } from '../numerics/analyses/attack-tables/markdown.ts';
import { type Markup, markup } from './markup.ts';
import type { ReportData } from './report-data.ts';

/** Content of `results.md` and `results.tex`. */
export function copiesOf({ variants }: ReportData): { markdown: string; latex: string } {
  const tables = accuracyTables(variants.map(({ label, attack }) => ({ label, summary: attack })));
  return { markdown: markdownTables(tables), latex: latexTables(tables) };
}

export function copiesSection(data: ReportData): Markup {
  const { markdown, latex } = copiesOf(data);
  const block = (name: string, file: string, text: string) =>
    markup`<details><summary>${name} (<code>${file}</code> beside this page)</summary><pre tabindex="0">${text}</pre></details>`;
  return markup`<p>All accuracies, with half of Wilson’s 95 % interval.</p>
${block('Markdown', 'results.md', markdown)}
${block('LaTeX', 'results.tex', latex)}`;
}
