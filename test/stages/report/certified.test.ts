/** What the report says of training methods without target gradients: certificates, penalties, and ε in 255ths. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CertificateSummary } from '../../../schemas/attack-results.ts';
import { epsText } from '../../../stages/numerics/analyses/figure-text.ts';
import { runReport } from '../../../stages/report/run.ts';
import { readTable } from '../../../store/tables.ts';
import { temporaryFolder } from '../../support/stage-context.ts';
import { type Fixture, writeArtifacts } from './fixture.ts';
import { elementsOf, parsePage, textOf } from './page.ts';
import { digits } from './worlds.ts';

const certificate: CertificateSummary = {
  sigma: 0.25,
  n0: 100,
  n: 1000,
  alpha: 0.001,
  images: 200,
  abstained: 10,
  radii: [
    { radius: 0, correct: 180 },
    { radius: 0.5, correct: 90 },
  ],
  predicted: { correct: 184, abstained: 6 },
};

/** Three classifiers: vanilla, with a penalty, and a smoothed one. */
function methods(): Fixture {
  const world = digits();
  const attack = { attacks: [{ method: 'pgd', norm: 'Linf', eps: ['8/255'] }] };
  const trains = [
    { method: 'vanilla' },
    { method: 'gradient-norm', lambda: 3 },
    { method: 'randomized-smoothing', noise: { sigma: 0.25 } },
  ];
  const variants = world.variants.map((variant, i) => ({
    ...variant,
    label: ['vanilla', 'gradient norm', 'smoothing'][i]!,
    settings: { ...variant.settings, attack, train: trains[i]! },
    robust: [variant.robust[5]!],
    ...(i === 2 ? { certificate } : {}),
  }));
  return { ...world, variants };
}

let html: string;
let tables: string[][][];
let directory: string;

beforeAll(async () => {
  const context = await writeArtifacts(temporaryFolder(), methods());
  await runReport(context);
  directory = context.directory;
  html = await readFile(join(directory, 'report.html'), 'utf8');
  const { document, errors } = parsePage(html);
  expect(errors).toEqual([]);
  tables = elementsOf(document, 'table').map((table) =>
    elementsOf(table, 'tr').map((row) => [...elementsOf(row, 'th'), ...elementsOf(row, 'td')].map(textOf)),
  );
});

describe('the report', () => {
  it('has a table of certified accuracy, with intervals', () => {
    expect(tables).toContainEqual([
      ['variant', 'σ', 'abstained', 'predicted', 'radius 0', 'radius 0.5'],
      ['smoothing', '0.25', '5.02.7 – 9.0', '92.087.4 – 95.0', '90.085.1 – 93.4', '45.038.3 – 51.9'],
    ]);
    expect(html).toContain('each certificate is wrong with probability 0.001 at most');
    expect(html).toContain('100 draws choose a class, 1,000 others bound its probability');
  });

  it('says it in the terminal too, within 80 columns', async () => {
    const text = await readFile(join(directory, 'summary.txt'), 'utf8');
    const lines = text.split('\n');
    const from = lines.indexOf('certified to be right within an L2 radius, n = 200');
    const words = lines.slice(from + 1, from + 3).map((line) => line.trim().split(/\s+/));
    expect(words).toEqual([
      ['radius', '=', '0', '–', '–', '90.0'],
      ['radius', '=', '0.5', '–', '–', '45.0'],
    ]);
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(80);
  });

  it('says it in summary.json', async () => {
    const summary = JSON.parse(await readFile(join(directory, 'summary.json'), 'utf8'));
    expect(summary.variants.map((variant: { certificate: unknown }) => variant.certificate)).toEqual([
      null,
      null,
      certificate,
    ]);
  });

  it('tells λ of a penalty, and draws it', async () => {
    const rows = await readTable(join(directory, 'results.parquet'));
    expect(rows.map(({ method, targets, lambda }) => [method, targets, lambda])).toEqual([
      ['vanilla', null, 0],
      ['gradient-norm', null, 3],
      ['randomized-smoothing', null, 0],
    ]);
    expect(html).toContain('of the training method, before λ, mean');
    expect(html).not.toContain('Σ over targets');
  });

  it('shows of the settings that differ only those that a method reads', () => {
    expect(tables).toContainEqual([
      ['variant', 'precompute.method', 'train.method', 'train.lambda'],
      ['vanilla', '–', 'vanilla', '–'],
      ['gradient norm', '–', 'gradient-norm', '3'],
      ['smoothing', '–', 'randomized-smoothing', '–'],
    ]);
  });

  it('writes ε in 255ths where it is one', () => {
    expect([8 / 255, 16 / 255, 1, 0.2, 0.1, 0.05, 0.123456789, 0].map(epsText)).toEqual([
      '8/255',
      '16/255',
      '1',
      '0.2',
      '0.1',
      '0.05',
      '0.123456789',
      '0',
    ]);
    expect(tables.flat().some((row) => row[0] === 'ε = 8/255')).toBe(true);
    expect(html.replace(/<pre[\s\S]*?<\/pre>/g, '')).not.toContain('0.0313725');
  });
});
