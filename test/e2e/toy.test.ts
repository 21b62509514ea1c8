/** The toy preset as it stands: what target gradients do where the truth is known. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Analysis } from '../../schemas/results.ts';
import { readTable } from '../../store/tables.ts';
import { artifactsOf, finished } from './support.ts';

const BIN = join(import.meta.dirname, '../../pipeline/bin.mjs');
const folder = mkdtempSync(join(tmpdir(), 'pag-toy-'));
const runs = join(folder, 'runs');
let rows: Record<string, unknown>[];

beforeAll(async () => {
  const args = [BIN, 'run', '--preset', 'toy', '--runs', runs, '--quiet'];
  const { code, stderr } = await finished(
    spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  rows = await readTable(join(runs, 'toy/results.parquet'));
}, 600_000);

const row = (variant: string) => rows.find((each) => each.variant === variant && each.eps === 15)!;

describe('the toy preset', () => {
  it('compares six ways to train on the same 600 test points', () => {
    const variants = ['class-mean', 'nearest-neighbor', 'one-image', 'sbg exact', 'sbg learned', 'vanilla'];
    expect([...new Set(rows.map((each) => each.variant))].sort()).toEqual(variants);
    for (const each of rows) expect(each.n).toBe(600);
  });

  it('all points are right with and without targets, and targets decide who holds at ε 15', () => {
    for (const variant of ['vanilla', 'nearest-neighbor']) expect(row(variant).cleanCorrect).toBe(600);
    expect(row('vanilla').robust as number).toBeLessThanOrEqual(60);
    expect(row('nearest-neighbor').robust as number).toBeGreaterThanOrEqual(450);
  });

  it('learned score differences point along the analytic ones, and the report says how well', () => {
    const analyses = artifactsOf({ runs, folder, config: '' }, 'analyze').map(
      (path) => JSON.parse(readFileSync(join(path, 'analysis.json'), 'utf8')) as Analysis,
    );
    const [agreement] = analyses.flatMap((analysis) => analysis.scoreAgreement ?? []);
    expect(agreement!.meanCosine).toBeGreaterThan(0.8);
    const page = readFileSync(join(runs, 'toy/report.html'), 'utf8');
    expect(page).toContain('Numerics on trial');
    expect(page).toContain(agreement!.meanCosine.toFixed(4));
  });
});
