import { describe, expect, it } from 'vitest';
import { accuracyTables } from '../../../stages/numerics/analyses/attack-tables/accuracy-table.ts';
import { attackTitle } from '../../../stages/numerics/analyses/attack-tables/attack-title.ts';
import { escapeLatex, latexTables } from '../../../stages/numerics/analyses/attack-tables/latex.ts';
import { markdownTables } from '../../../stages/numerics/analyses/attack-tables/markdown.ts';
import { summaryLines } from '../../../stages/numerics/analyses/attack-tables/summary-lines.ts';
import { officialFigures, resultOf, summaryOf } from '../../support/attack-summaries.ts';

const table = (summary = officialFigures(), label = summary.model) => accuracyTables([{ label, summary }]);

describe('a table row', () => {
  it('is Markdown that stands alone', () => {
    // 418 of 500: Wilson's interval 80.1 to 86.6, computed apart from this program.
    expect(markdownTables(table()).split('\n')).toEqual([
      '| model | data | norm | ε | clean | PGD-40 | AutoAttack standard: APGD-CE | + APGD-T | + FAB-T | + Square |',
      '| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
      '| mnist\\_small\\_0\\_3 | mnist | L∞ | 0.3 | 83.6 ± 3.2 | 72.4 ± 3.9 | 72.8 ± 3.9 | 69.8 ± 4.0 | 69.4 ± 4.0 | 68.2 ± 4.1 |',
      '',
      'Accuracy in %, n = 500, attack seed 0; ± is half of Wilson’s 95 % interval. AutoAttack standard: after each attack, which gets only what those before it left standing; the last is the figure.',
      '',
      '| model | data | norm | ε | clean | AutoAttack standard: APGD-CE | + APGD-T | + FAB-T | + Square |',
      '| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |',
      '| mnist\\_small\\_0\\_3 | mnist | L2 | 1.5 | 83.6 ± 3.2 | 59.2 ± 4.3 | 51.6 ± 4.4 | 4.8 ± 1.9 | 3.4 ± 1.6 |',
      '',
      'Accuracy in %, n = 500, attack seed 0; ± is half of Wilson’s 95 % interval. AutoAttack standard: after each attack, which gets only what those before it left standing; the last is the figure.',
      '',
    ]);
  });

  it('is LaTeX for booktabs that stands alone', () => {
    expect(latexTables(table()).split('\n')).toEqual([
      '% Accuracy in %, n = 500, attack seed 0; ± is half of Wilson’s 95 % interval. AutoAttack standard: after each attack, which gets only what those before it left standing; the last is the figure.',
      '% Needs \\usepackage{booktabs}.',
      '\\begin{tabular}{lllrrrrrrr}',
      '\\toprule',
      ' &  &  &  &  &  & \\multicolumn{4}{c}{AutoAttack standard} \\\\',
      '\\cmidrule(lr){7-10}',
      'model & data & norm & $\\epsilon$ & clean & PGD-40 & APGD-CE & + APGD-T & + FAB-T & + Square \\\\',
      '\\midrule',
      'mnist\\_small\\_0\\_3 & mnist & $\\ell_\\infty$ & $0.3$ & $83.6 \\pm 3.2$ & $72.4 \\pm 3.9$ & $72.8 \\pm 3.9$ & $69.8 \\pm 4.0$ & $69.4 \\pm 4.0$ & $68.2 \\pm 4.1$ \\\\',
      '\\bottomrule',
      '\\end{tabular}',
      '',
      '% Accuracy in %, n = 500, attack seed 0; ± is half of Wilson’s 95 % interval. AutoAttack standard: after each attack, which gets only what those before it left standing; the last is the figure.',
      '% Needs \\usepackage{booktabs}.',
      '\\begin{tabular}{lllrrrrrr}',
      '\\toprule',
      ' &  &  &  &  & \\multicolumn{4}{c}{AutoAttack standard} \\\\',
      '\\cmidrule(lr){6-9}',
      'model & data & norm & $\\epsilon$ & clean & APGD-CE & + APGD-T & + FAB-T & + Square \\\\',
      '\\midrule',
      'mnist\\_small\\_0\\_3 & mnist & $\\ell_2$ & $1.5$ & $83.6 \\pm 3.2$ & $59.2 \\pm 4.3$ & $51.6 \\pm 4.4$ & $4.8 \\pm 1.9$ & $3.4 \\pm 1.6$ \\\\',
      '\\bottomrule',
      '\\end{tabular}',
      '',
    ]);
  });

  it('has as many cells in every line, whatever was attacked', () => {
    const eps = 8 / 255;
    const other = summaryOf(
      [
        resultOf('targeted pgd-20 Linf 0.0314', { method: 'pgd', norm: 'Linf', eps, targeted: true }, [
          ['pgd', 9],
        ]),
        resultOf('pgd-20 Linf 0.0314 from vit', { method: 'pgd', norm: 'Linf', eps }, [['pgd', 8]]),
        resultOf('pgd-20 Linf 0.0314 (2)', { method: 'pgd', norm: 'Linf', eps }, [['pgd', 7]]),
      ],
      { data: 'a|b & {c}_\n$d%', seed: 3 },
    );
    const many = accuracyTables([
      { label: 'first', summary: officialFigures() },
      { label: 'x^2~<y>', summary: other },
      { label: 'plain', summary: summaryOf([]) },
    ]);
    expect(many.map(({ rows }) => rows.map(({ model }) => model))).toEqual([
      ['x^2~<y>', 'first'],
      ['first'],
      ['plain'],
    ]);
    const cellsOf = (line: string) => line.split(/(?<!\\)\|/).length;
    const spanned = (line: string) => Number(/multicolumn\{(\d)\}/.exec(line)?.[1] ?? 1) - 1;
    const latexCellsOf = (line: string) => line.split(/(?<!\\)&/).length + spanned(line);
    for (const table of many) {
      const rows = markdownTables([table])
        .split('\n')
        .filter((line) => line.startsWith('|'));
      expect(new Set(rows.map(cellsOf))).toEqual(new Set([table.attacks.length + 7]));
      const lines = latexTables([table])
        .split('\n')
        .filter((line) => line.endsWith('\\\\'));
      expect(new Set(lines.map(latexCellsOf))).toEqual(new Set([table.attacks.length + 5]));
    }
    const markdown = markdownTables(many);
    expect(markdown).toContain('| targeted PGD-20 | PGD-20 from vit | PGD-20 (2) |');
    expect(markdown).toContain(
      '| x^2\\~\\<y\\> | a\\|b \\& \\{c\\}\\_ $d% | L∞ | 8/255 | 83.6 ± 3.2 | 1.8 ± 1.2 |',
    );
    expect(markdown).toContain('| plain | mnist | – | – | 83.6 ± 3.2 |\n');
    expect(markdown).toContain('attack seed 0 or 3;');
    expect(latexTables(many)).toContain(
      'x\\textasciicircum{}2\\textasciitilde{}\\textless{}y\\textgreater{} & a\\textbar{}b \\& \\{c\\}\\_ \\$d\\% & $\\ell_\\infty$ & $8/255$',
    );
  });

  it('does not tell the 100 steps that APGD and FAB always have', () => {
    expect(attackTitle('minimal fab-t-100')).toBe('minimal FAB-T');
    expect(attackTitle('apgd-ce-50')).toBe('APGD-CE-50');
    expect(attackTitle('pgd-100')).toBe('PGD-100');
    expect(attackTitle('salt-and-pepper')).toBe('salt and pepper');
  });

  it('escapes what LaTeX would take for a command', () => {
    expect(escapeLatex('a\\b{c}$d&e#f^g_h~i%j')).toBe(
      'a\\textbackslash{}b\\{c\\}\\$d\\&e\\#f\\textasciicircum{}g\\_h\\textasciitilde{}i\\%j',
    );
    expect(escapeLatex('λ=5, σ 0.25 – ∞')).toBe('$\\lambda$=5, $\\sigma$ 0.25 -- $\\infty$');
  });
});

describe('the summary for a terminal', () => {
  it('is a table with the doubts below', () => {
    const doubts = [
      {
        kind: 'square-wins' as const,
        sentence:
          'auto-attack standard Linf 0.3: square, which sees no gradients, broke 6 of 500 images (1.2 %) that the attacks before it left standing.',
      },
    ];
    const certificate = {
      sigma: 0.25,
      n0: 100,
      n: 10000,
      alpha: 0.001,
      images: 100,
      abstained: 4,
      radii: [{ radius: 0.5, correct: 61 }],
      predicted: { correct: 80, abstained: 2 },
    };
    expect(summaryLines({ ...officialFigures(), doubts, certificate })).toEqual([
      'mnist_small_0_3 on mnist: n = 500 test images, attack seed 0',
      '',
      '                                             standing       %      95 % interval',
      'clean                                             418    83.6        80.1 – 86.6',
      'PGD-40, L∞, ε = 0.3                               362    72.4        68.3 – 76.1',
      'AutoAttack standard, L∞, ε = 0.3',
      '  after APGD-CE                                   364    72.8        68.7 – 76.5',
      '  after APGD-T                                    349    69.8        65.6 – 73.7',
      '  after FAB-T                                     347    69.4        65.2 – 73.3',
      '  after Square                                    341    68.2        64.0 – 72.1',
      'AutoAttack standard, L2, ε = 1.5',
      '  after APGD-CE                                   296    59.2        54.8 – 63.4',
      '  after APGD-T                                    258    51.6        47.2 – 56.0',
      '  after FAB-T                                      24     4.8          3.2 – 7.0',
      '  after Square                                     17     3.4          2.1 – 5.4',
      'certified (smoothing, σ = 0.25), n = 100, 4 abstained',
      '  within L2 0.5                                    61    61.0        51.2 – 70.0',
      '',
      'One doubt about these figures:',
      '! auto-attack standard Linf 0.3: square, which sees no gradients, broke 6 of 500',
      '  images (1.2 %) that the attacks before it left standing.',
    ]);
  });

  it('fits into 80 columns whatever the names', () => {
    const long = 'very-long-name-of-a-model-'.repeat(5);
    const eps = 8 / 255;
    const name = `targeted minimal pgd-20 Linf 0.0314 from ${long}`;
    const attacks = [resultOf(name, { method: 'pgd', norm: 'Linf', eps }, [['pgd', 7]])];
    const doubts = [{ kind: 'order' as const, sentence: `${long}${long} and more` }];
    for (const line of summaryLines(summaryOf(attacks, { model: long, doubts })))
      expect([...line].length).toBeLessThanOrEqual(80);
  });

  it('tells the clean accuracy where nothing was attacked', () => {
    expect(summaryLines(summaryOf([])).slice(3)).toEqual([
      'clean                                             418    83.6        80.1 – 86.6',
    ]);
  });
});
