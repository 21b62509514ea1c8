/** `pipeline attack` from the command to the files, on a small network and small images. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { attackSummarySchema } from '../../../../schemas/attack-results.ts';
import { readTable } from '../../../../store/tables.ts';
import { temporaryFolder } from '../../../store/support/temporary-folder.ts';
import { makeProject } from '../../fixtures/project.ts';
import { attack, CLASSES, corners, cornersModel, TEST_IMAGES } from './fixture.ts';

const REAL_STAGES = new URL('../../../../pipeline/graph.ts', import.meta.url).href;

/** Folder of the one artifact of a stage. */
function artifactOf(runs: string, stage: string): string {
  const names = readdirSync(join(runs, 'artifacts')).filter((name) => name.startsWith(`${stage}-`));
  expect(names).toHaveLength(1);
  return join(runs, 'artifacts', names[0]!);
}

it('shows the figures and their files; the same command again shows them at once', async () => {
  const runs = join(await temporaryFolder(), 'runs');
  const words = ['--model', await cornersModel(), '--data', await corners(), '--runs', runs];
  const attacks = ['--eps', '8/255,0.2', '--attack', 'fgsm,pgd', '--steps', '5', '--seed', '3'];
  const first = await attack(...words, ...attacks);
  expect(first.stderr).toBe('');
  expect(first.code).toBe(0);
  const directory = artifactOf(runs, 'attack');
  const summary = attackSummarySchema.parse(JSON.parse(readFileSync(join(directory, 'attack.json'), 'utf8')));
  expect(summary).toMatchObject({ n: TEST_IMAGES, seed: 3 });
  expect(summary.classNames).toHaveLength(CLASSES);
  expect(summary.attacks.map(({ method, eps, steps }) => [method, eps, steps])).toEqual([
    ['fgsm', 8 / 255, null],
    ['fgsm', 0.2, null],
    ['pgd', 8 / 255, 5],
    ['pgd', 0.2, 5],
  ]);
  const rows = await readTable(join(directory, 'images.parquet'));
  expect(rows).toHaveLength(summary.attacks.length * TEST_IMAGES);
  for (const { name, robust } of summary.attacks) {
    expect(rows.filter((row) => row.attack === name && row.survived)).toHaveLength(robust);
  }

  const [shown, paths] = parted(first.stdout);
  expect(paths).toEqual(FILES.map((name) => join(directory, name)));
  for (const line of shown.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  expect(shown).toMatch(/^attack-\S+-corners-fgsm-pgd-Linf-8-255-0.2: 2 to make\n/);
  // Nothing was trained.
  expect(readdirSync(join(runs, 'artifacts'))).toHaveLength(2);

  const again = await attack(...words, ...attacks);
  const [shownAgain, pathsAgain] = parted(again.stdout);
  expect(pathsAgain).toEqual(paths);
  const [plan, ...table] = shownAgain.split('\n');
  expect(plan).toMatch(/: 2 there already$/);
  expect(table.length).toBeGreaterThan(summary.attacks.length);
  expect(shown.endsWith(table.join('\n'))).toBe(true);

  const json = await attack(...words, ...attacks, '--json');
  const events = json.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(events.map(({ event }) => event)).toEqual(['plan', 'result']);
  expect(events[1]).toMatchObject({ figures: summary, files: paths, report: null });
});

const FILES = ['attack.json', 'images.parquet', 'row.md', 'row.tex'];

/** What is shown, and the paths that end it. */
function parted(stdout: string): [string, string[]] {
  const lines = stdout.trimEnd().split('\n');
  return [lines.slice(0, -FILES.length).join('\n'), lines.slice(-FILES.length)];
}

it('Ctrl-C says how to go on', async () => {
  const project = await makeProject(undefined, REAL_STAGES);
  const [model, data] = [await cornersModel(), await corners()];
  const words = ['--model', model, '--data', data, '--norm', 'L2', '--eps', '0.001', '--attack', 'square'];
  const run = project.start('attack', ...words, '--queries', '100000', '--keep', 'npz', '--no-resume');
  await run.says('attack: started');
  await sleep(3000);
  run.child.kill('SIGINT');
  const { code, stderr } = await run.finished;
  expect(stderr).toBe(
    `Stopped. Continue with: pipeline attack ${words.join(' ')} --queries 100000 --keep npz\n`,
  );
  expect(code).toBe(130);
});
