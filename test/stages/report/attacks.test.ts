/** The sections on attacks: cascades, curves over every ε, confusion, tables to copy, doubts. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Doubt } from '../../../schemas/attack-results.ts';
import { mostConfused } from '../../../stages/report/confusion.ts';
import { accuracyPlots } from '../../../stages/report/curves.ts';
import { gather } from '../../../stages/report/gather.ts';
import { reportHtml } from '../../../stages/report/html.ts';
import type { ReportData } from '../../../stages/report/report-data.ts';
import { runReport } from '../../../stages/report/run.ts';
import { attackRows } from '../../../stages/report/settings.ts';
import { writeArtifacts } from './fixture.ts';
import { attributesOf, elementsOf, parsePage, textOf } from './page.ts';
import { attacked } from './worlds.ts';

describe('the report of attacks', () => {
  let folder: string;
  let data: ReportData;
  let read: (name: string) => Promise<string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pag-attacks-'));
    const context = await writeArtifacts(folder, attacked());
    await runReport(context);
    data = await gather(context);
    read = (name) => readFile(join(context.directory, name), 'utf8');
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const tablesOf = (html: string) =>
    elementsOf(parsePage(html).document, 'table').map((table) =>
      elementsOf(table, 'tr').map((row) => [...elementsOf(row, 'th'), ...elementsOf(row, 'td')].map(textOf)),
    );

  it('names attacks as papers do, with the settings that are not the usual ones', () => {
    const names = [...new Set(attackRows(data.variants).map(({ kind }) => kind.name))];
    expect(names).toEqual([
      'AutoAttack standard, L∞',
      'AutoAttack plus, L2',
      'minimal FAB-T, L2',
      'PGD-40, L∞, from vit, margin loss',
      'uniform noise, L∞',
    ]);
  });

  it('has a column for each attack of a cascade', () => {
    const [, standard, plus] = tablesOf(reportHtml(data));
    expect(standard![0]).toEqual(['variant', 'ball', 'clean', 'APGD-CE', '+ APGD-T', '+ FAB-T', '+ Square']);
    expect(standard!.slice(1).map(([label, ball]) => `${label} ${ball}`)).toEqual(
      ['2/255', '4/255', '8/255'].flatMap((eps) =>
        ['vanilla', 'adversarial', 'aligned'].map((label) => `${label} L∞ ${eps}`),
      ),
    );
    // 420 of 1000 are left, and 12 more before each part; Wilson's interval computed apart from this program.
    expect(standard![1]!.slice(3)).toEqual([
      '45.642.5 – 48.7',
      '44.441.3 – 47.5',
      '43.240.2 – 46.3',
      '42.039.0 – 45.1',
    ]);
    expect(plus![0]!.length).toBe(9);
  });

  it('draws the curve of the nearest images beside the attacks at fixed ε', () => {
    const plots = accuracyPlots(data.variants);
    const minimal = plots.find(({ title }) => title === 'minimal FAB-T, L2')!;
    expect(plots.length).toBe(5);
    expect(minimal.series.map(({ label, points }) => [label, points.length])).toEqual([
      ['vanilla', 101],
      ['adversarial', 101],
      ['aligned', 101],
    ]);
    expect(minimal.xDomain).toEqual([0, 1.5]);
    expect(minimal.series[0]!.points[0]!.y).toBeCloseTo(95.1, 6);
    expect(plots[0]!.series[0]!.points.map(({ y }) => y)).toEqual([95.1, 42, 6, 0.4]);
  });

  it('counts the classes named under attack in a matrix of its own for each variant', () => {
    const { document } = parsePage(reportHtml(data));
    const section = elementsOf(document, 'section').find(({ attrs }) =>
      attrs.some(({ value }) => value === 'confusion'),
    )!;
    expect(elementsOf(section, 'svg').length).toBe(3);
    expect(textOf(section)).toContain('Classes named under AutoAttack standard, L∞, ε = 4/255');
    const [vanilla] = elementsOf(section, 'svg');
    const titles = elementsOf(vanilla!, 'title').map(textOf);
    expect(titles.length).toBe(100);
    expect(titles.slice(0, 4)).toEqual([
      'airplane named airplane: 6 of 100',
      'airplane named automobile: 47 of 100',
      'airplane named bird: 0 of 100',
      'airplane named cat: 47 of 100',
    ]);
    const strengths = attributesOf(vanilla!, 'rect').map((cell) => Number(cell['fill-opacity']));
    expect(Math.max(...strengths)).toBeLessThanOrEqual(0.5);
  });

  it('lists the most confused pairs where classes are too many for a matrix', () => {
    const names = Array.from({ length: 30 }, (_, i) => `class ${i}`);
    const confusion = names.map((_, i) =>
      names.map((__, k) => (i === k ? 20 : (i + 1) % 30 === k ? 3 + (i % 2) : 0)),
    );
    const many = structuredClone(data);
    for (const variant of many.variants) {
      variant.dataset.classNames = names;
      for (const figure of variant.attack.attacks) figure.confusion = confusion;
    }
    const pairs = tablesOf(reportHtml(many)).find(([head]) => head![1] === 'true class')!;
    expect(pairs.length).toBe(1 + 3 * 10);
    expect(pairs[1]).toEqual(['vanilla', 'class 1', 'class 2', '4', '16.7']);
    expect(
      mostConfused(
        [
          [5, 0],
          [0, 5],
        ],
        10,
      ),
    ).toEqual([]);
  });

  it('has no section on confusion where no attack tells the classes named', () => {
    const none = structuredClone(data);
    for (const { attack } of none.variants) for (const figure of attack.attacks) figure.confusion = [];
    expect(reportHtml(none)).not.toContain('id="confusion"');
  });

  it('gives the figures of all variants to copy, as they lie beside the page', async () => {
    const { document } = parsePage(await read('report.html'));
    const section = elementsOf(document, 'section').find(({ attrs }) =>
      attrs.some(({ value }) => value === 'tables'),
    )!;
    const [markdown, latex] = elementsOf(section, 'pre').map(textOf);
    const folded = (text: string) => text.replace(/\s+/g, ' ');
    expect(markdown).toBe(folded(await read('results.md')));
    expect(latex).toBe(folded(await read('results.tex')));
    expect(await read('results.md')).toContain(
      '| adversarial | things | L∞ | 8/255 | 87.0 ± 2.1 | 51.7 ± 3.1 | 50.5 ± 3.1 | 49.3 ± 3.1 | 48.1 ± 3.1 | 84.1 ± 2.3 | 86.8 ± 2.1 |',
    );
  });

  it('tells every doubt with what to do, before all figures and in the terminal', async () => {
    const html = await read('report.html');
    const note = elementsOf(parsePage(html).document, 'div').find(({ attrs }) =>
      attrs.some(({ value }) => value === 'warning'),
    )!;
    expect(textOf(note)).toContain('⚠ The evaluator has 2 doubts about these figures:');
    expect(elementsOf(note, 'li').map(textOf)[1]).toMatch(/^aligned: .* Run square with more queries/);
    const terminal = (await read('summary.txt')).replace(/\s+/g, ' ');
    for (const { attack } of data.variants)
      for (const { sentence } of attack.doubts) expect(terminal).toContain(sentence);
    const one = structuredClone(data);
    const doubt: Doubt = { kind: 'order', sentence: 'A doubt.' };
    one.variants.forEach(({ attack }, i) => {
      attack.doubts = i === 0 ? [doubt] : [];
    });
    expect(reportHtml(one)).toContain('⚠ The evaluator doubts one of these figures:');
  });

  it('tells in the terminal what each attack of a cascade has left', async () => {
    const lines = (await read('summary.txt')).split('\n');
    const first = lines.indexOf('robust under AutoAttack standard, L∞');
    expect(lines.slice(first + 1, first + 5)).toEqual([
      '  ε = 2/255                      42.0         76.0         73.1',
      '    after APGD-CE                45.6         79.6         76.7',
      '    after APGD-T                 44.4         78.4         75.5',
      '    after FAB-T                  43.2         77.2         74.3',
    ]);
  });
});
