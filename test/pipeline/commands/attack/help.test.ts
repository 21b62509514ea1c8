import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { METHOD_NAMES } from '../../../../schemas/attack-config.ts';
import { ROOT } from '../../../support/imports.ts';

const bin = join(ROOT, 'pipeline', 'bin.mjs');
const say = (...words: string[]) => spawnSync(process.execPath, [bin, ...words], { encoding: 'utf8' }).stdout;

it('the help of attack names every attack and fits into 80 columns', () => {
  const help = say('attack', '--help');
  for (const name of METHOD_NAMES.filter((method) => method !== 'auto-attack')) expect(help).toContain(name);
  expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  // A description that is too long is broken inside a word, and goes on in a line of its own.
  expect(help.split('\n').filter((line) => /^ {12,}[^ [\\]/.test(line))).toEqual([]);
});

it('attack and its options are completed', () => {
  expect(say('--get-yargs-completions', 'pipeline', 'att')).toContain('attack');
  const options = say('--get-yargs-completions', 'pipeline', 'attack', '--');
  for (const option of ['--model', '--data-folder', '--norm', '--restarts'])
    expect(options).toContain(option);
});
