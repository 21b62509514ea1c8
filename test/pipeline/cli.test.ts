import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { main } from '../../pipeline/cli.ts';
import { thisWorld } from '../../pipeline/world.ts';
import { MAY_MOUNT, makeReadOnly, NEEDS_MOUNT, smallDisk } from '../store/support/small-disk.ts';
import { ROOT } from '../support/imports.ts';
import { makeProject, TSX } from './fixtures/project.ts';

/** The command line with the real stages, in this process. */
async function call(...words: string[]) {
  let [stdout, stderr] = ['', ''];
  const code = await main(words, {
    ...thisWorld(),
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
    environment: {},
  });
  return { code, stdout, stderr };
}

const LISTED = ' `pipeline --help` lists commands and options.\n';
const presets = readdirSync(join(ROOT, 'pipeline/presets'))
  .map((file) => file.replace('.yaml', ''))
  .sort()
  .join(', ');

describe('a wrong command line is refused in a sentence', () => {
  it.each([
    [['rnu'], `Expected a command, got "rnu"; did you mean run?${LISTED}`],
    [
      [],
      `Expected a command (run, plan, attack, status, doctor, init, clean, schema, data, model, store, completion), found none.${LISTED}`,
    ],
    [['run', '--confg', 'x'], `Expected an option, got "--confg"; did you mean --config?${LISTED}`],
    [['plan', '--no-jsn'], `Expected an option, got "--no-jsn"; did you mean --json?${LISTED}`],
    [['run', 'train', 'attack'], `Expected no more words for run, got "attack".${LISTED}`],
    [['run', '--config'], `Expected a value after --config, found none.${LISTED}`],
    [['run', '--set'], `Expected a value after --set, found none.${LISTED}`],
    [
      ['run', '--runs', 'a', '--runs', 'b'],
      'Expected --runs at most once, got it several times; leave one out.\n',
    ],
    [
      ['run', '--preset', 'uspss'],
      `Expected the name of a preset (${presets}), got "uspss"; did you mean usps?\n`,
    ],
    [
      ['plan', 'trian', '--preset', 'usps'],
      'Expected the name of a stage (dataset, score, precompute, train, attack, analyze, report), got "trian"; did you mean train?\n',
    ],
    [['run', '--preset', 'usps', '--jobs', '0'], 'Expected --jobs to be a whole number >= 1, got 0.\n'],
    [
      ['run', '--preset', 'usps', '--jobs', 'x'],
      'Expected --jobs to be a whole number >= 1, got something else.\n',
    ],
    [
      ['run', '--preset', 'usps', '--config', 'a.yaml'],
      'Expected either --config or --preset, got both (--config a.yaml --preset usps); leave one out.\n',
    ],
    [
      ['plan', '--config', '/nowhere/a.yaml'],
      'Expected an experiment file at /nowhere/a.yaml, found nothing there; check the path, or write one with `pipeline init PRESET /nowhere/a.yaml`.\n',
    ],
    [
      ['plan', '--config', '/'],
      'Expected to read an experiment file at /, found that it cannot be read (EISDIR); check that it is a file and that you may read it.\n',
    ],
    [
      ['plan'],
      `Expected an experiment, found no experiment.yaml in this folder; name one with --config FILE or --preset NAME (${presets}), or write one with \`pipeline init PRESET\`.\n`,
    ],
    [
      ['run', '--preset', 'usps', '--data', '/nowhere'],
      'Expected a folder with data sets at /nowhere, as --data says, found nothing there; correct the path.\n',
    ],
    [
      ['schema', 'attack'],
      'Expected experiment or attack.json after schema, got "attack"; did you mean attack.json?\n',
    ],
    [
      ['init'],
      `Expected the name of a preset (${presets}) after init, found none; for example: pipeline init usps.\n`,
    ],
  ])('%j', async (words, stderr) => {
    expect(await call(...words)).toEqual({ code: 1, stdout: '', stderr });
  });

  it('also where the environment names the data directory', async () => {
    let stderr = '';
    const world = {
      ...thisWorld(),
      environment: { PAG_DATA: '/nowhere' },
      stderr: { write: (text: string) => (stderr += text) },
    };
    expect(await main(['run', '--preset', 'usps'], world)).toBe(1);
    expect(stderr).toBe(
      'Expected a folder with data sets at /nowhere, as the environment variable PAG_DATA says, found nothing there; correct the path.\n',
    );
  });
});

describe('pipeline --help', () => {
  const bin = join(ROOT, 'pipeline', 'bin.mjs');
  const help = () => spawnSync(process.execPath, [bin, '--help'], { encoding: 'utf8' });

  it('lists the commands in lines that fit', () => {
    const { stdout, status } = help();
    expect(status).toBe(0);
    for (const command of [
      'run [stage]',
      'plan',
      'status',
      'doctor',
      'init',
      'clean',
      'schema',
      'model',
      'completion',
    ]) {
      expect(stdout).toContain(`pipeline ${command}`);
    }
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it('takes little longer than to start Node with TypeScript, for it loads neither engine nor stages', () => {
    const best = (...words: string[]) => {
      const seconds = Array.from({ length: 3 }, () => {
        const begun = performance.now();
        expect(spawnSync(process.execPath, words).status).toBe(0);
        return (performance.now() - begun) / 1000;
      });
      return Math.min(...seconds);
    };
    // On a quiet machine 0.3 and 0.4 s; the engine alone would add 1.3. A ratio, because other tests run beside this one.
    const nothing = best('--import', TSX, '-e', '0');
    expect(best(bin, '--help')).toBeLessThan(2.5 * nothing);
  });
});

describe('plan', () => {
  it('shows each artifact of the main job with the reason, and changes nothing', async () => {
    const project = await makeProject();
    const { stdout, code } = await call('plan', '--preset', 'usps', '--runs', project.runs);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toBe('usps: 3 variants, 14 artifacts');
    expect(lines).toHaveLength(1 + 2 * 14);
    lines.slice(1).forEach((line, i) => {
      expect(line).toMatch(
        i % 2 === 0 ? /^run {5}\w[\w, -]+$/ : /^ {8}not there yet(; about 5.2 kB for each training image)?$/,
      );
    });
    expect(existsSync(project.runs)).toBe(false);
  });

  it('folds long reasons into 80 columns', async () => {
    const project = await makeProject();
    await project.call('run');
    const { stdout } = await project.call('plan', '--set', 'train.lambda=3', '--set', 'train.seed=9');
    expect(stdout).toContain('train.lambda 1 -> 3');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('is JSON on request', async () => {
    const { stdout } = await call('plan', 'dataset', '--preset', 'toy', '--json', '--runs', '/nowhere');
    expect(JSON.parse(stdout)).toMatchObject({
      experiment: 'toy',
      nodes: [{ name: 'dataset', action: 'run' }],
    });
  });
});

describe('init and schema', () => {
  it('write an experiment file that runs, beside the schema it names', async () => {
    const { folder } = await makeProject();
    const file = join(folder, 'new', 'mine.yaml');
    const { stdout, code } = await call('init', 'usps', file);
    expect({ stdout, code }).toEqual({
      code: 0,
      stdout: `Wrote ${file}. Change it, then: pipeline run --config ${file}\n`,
    });
    const text = readFileSync(file, 'utf8');
    const schemaFile = /^# yaml-language-server: \$schema=(.*)$/m.exec(text)![1]!;
    const schema = JSON.parse(readFileSync(join(folder, 'new', schemaFile), 'utf8'));
    expect(schema).toEqual(JSON.parse((await call('schema')).stdout));
    expect((await call('plan', '--config', file, '--runs', join(folder, 'runs'))).code).toBe(0);
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(Object.keys(parse(text))));
    expect(schema.properties.train.properties.lambda).toMatchObject({ default: 1, minimum: 0 });
    expect(schema.properties.variants.items.properties.train.required).toBeUndefined();
  });

  it('print what programs find in attack.json, with a meaning for each entry', async () => {
    const schema = JSON.parse((await call('schema', 'attack.json')).stdout);
    expect(schema.required).toEqual(
      expect.arrayContaining(['version', 'n', 'cleanCorrect', 'attacks', 'doubts']),
    );
    for (const { description } of Object.values<{ description?: string }>(schema.properties))
      expect(description).toMatch(/\w/);
  });

  it('never write over a file', async () => {
    const { folder } = await makeProject();
    const file = join(folder, 'experiment.yaml');
    expect(await call('init', 'toy', file)).toMatchObject({
      code: 1,
      stderr: `Expected to write a new file ${file}, found one there already; name another: pipeline init toy FILE.\n`,
    });
  });
});

describe('status and clean', () => {
  it('tell of nothing where nothing is', async () => {
    const { runs } = await makeProject();
    expect((await call('status', '--runs', runs)).stdout).toBe(
      `Nothing has been run in ${runs} yet; \`pipeline run --preset usps\` does.\n`,
    );
    expect((await call('clean', '--runs', runs)).stdout).toBe(
      `Every artifact in ${runs} is needed by the last run of some experiment; nothing to remove.\n`,
    );
  });

  it('know what the last run needs, and remove the rest but for what is in use', async () => {
    const project = await makeProject();
    await project.call('run', 'train');
    await project.call('run', 'train', '--set', 'train.lambda=5', '--set', 'report.title=t');
    const { artifacts, experiments, locks } = JSON.parse((await project.call('status', '--json')).stdout);
    expect(experiments).toEqual([{ name: 'small', finished: 6, artifacts: 7, report: null }]);
    expect(locks).toEqual([]);
    const unused = artifacts.filter(
      (artifact: { experiments: string[] }) => artifact.experiments.length === 0,
    );
    expect(unused.map(({ id }: { id: string }) => id.split('-')[0])).toEqual(['train', 'train', 'train']);

    const asked = await project.call('clean');
    expect(asked).toMatchObject({
      code: 1,
      stderr:
        'Expected a terminal to ask whether to remove these artifacts, found none; add --yes to do so without a question.\n',
    });
    const [first, ...others] = unused.map(({ id }: { id: string }) => id);
    const lock = join(project.runs, 'locks', `${first}.lock`);
    writeFileSync(
      lock,
      JSON.stringify({
        pid: 1,
        host: 'elsewhere',
        process: null,
        purpose: 'run of train',
        token: 't',
        since: 's',
      }),
    );
    expect((await project.call('status')).stdout).toContain(
      `  ${first}  process 1 on elsewhere (run of train) since s\n`,
    );
    const { stdout } = await project.call('clean', '--yes');
    expect(stdout).toContain(`Kept ${first}, which a process is using.\n`);
    for (const id of others) expect(stdout).toContain(`Removed ${id}.\n`);
    expect(
      (await project.call('plan', '--set', 'train.lambda=5', '--set', 'report.title=t')).stdout,
    ).not.toMatch(/^run +train/m);
    const text = (await project.call('status')).stdout;
    expect(text).toMatch(
      /^Experiments\n {2}small {2}6 of 7 artifacts finished {2}no report yet\nArtifacts \(\d+ kB\)\n/,
    );
    expect(text).toMatch(new RegExp(`  ${first} +\\d+ kB  finished  not needed`));
  });

  it('remove nothing where the memory of a run is damaged', async () => {
    const { runs } = await makeProject();
    mkdirSync(join(runs, 'x'), { recursive: true });
    writeFileSync(join(runs, 'x', 'last-run.json'), '{}');
    const { code, stderr } = await call('clean', '--yes', '--runs', runs);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `Expected ${join(runs, 'x', 'last-run.json')} to tell what the last run of x needed, found something else; remove that file and run the experiment again.\n`,
    );
  });
});

describe(`a runs directory that cannot be written${NEEDS_MOUNT}`, () => {
  it.skipIf(!MAY_MOUNT)('because it is read-only ends the run with a sentence', async () => {
    const project = await makeProject();
    const disk = smallDisk(64);
    makeReadOnly(disk);
    const { code, stderr } = await call(
      'run',
      '--config',
      join(project.folder, 'experiment.yaml'),
      '--runs',
      join(disk, 'runs'),
    );
    expect(code).toBe(1);
    expect(stderr).toBe(
      `Expected to be allowed to write ${join(disk, 'runs')}, found that the file system is read-only (EROFS). Make its folder writable or choose another one (--runs DIR, --data DIR), then run the same command again.\n`,
    );
  });

  it.skipIf(!MAY_MOUNT)(
    'because the disk is full ends the run with a sentence, and what was finished is used again',
    async () => {
      const project = await makeProject();
      const disk = smallDisk(100);
      const options = ['--config', join(project.folder, 'experiment.yaml'), '--runs', join(disk, 'runs')];
      const full = await project.run('run', ...options, '--jobs', '1');
      expect(full.code).toBe(1);
      expect(full.stderr).toMatch(
        /^Expected room to write \S+, found that the disk is full \(ENOSPC\)\. Free some space or choose a folder on another disk \(--runs DIR, --data DIR\), then run the same command again; what was finished is kept\.\n$/,
      );
      const plan = await project.run('plan', ...options);
      expect(plan.stdout).toMatch(/^cached +dataset/m);
    },
  );
});

it('completion scripts come from the program itself', async () => {
  const bin = join(ROOT, 'pipeline', 'bin.mjs');
  const { stdout } = spawnSync(process.execPath, [bin, 'completion'], { encoding: 'utf8' });
  expect(stdout).toContain('pipeline --get-yargs-completions');
  const words = spawnSync(process.execPath, [bin, '--get-yargs-completions', 'pipeline', 'st'], {
    encoding: 'utf8',
  });
  expect(words.stdout).toContain('status');
});

it('output that is cut off early is no error', () => {
  const bin = join(ROOT, 'pipeline', 'bin.mjs');
  const command = `set -o pipefail; "${process.execPath}" "${bin}" schema | head -c 10`;
  const { stdout, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: '{\n  "$sche', stderr: '' });
});
