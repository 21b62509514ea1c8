/**
 * Two workers on one gradient store, each killed (kill -9) at a file operation that a seeded generator draws: in the
 * middle of a write, before a flush, a rename or a removal, of shards, records, locks and manifest alike. Whatever is
 * left, the next two go on, until a store is whole; then another is begun, until enough have been killed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { expect, test } from 'vitest';
import { variantConfigSchema } from '../../../schemas/config.ts';
import { finishArtifact, inspectArtifact, verifyArtifact } from '../../../store/artifacts.ts';
import { writeFileAtomic } from '../../../store/atomic-file.ts';
import { contentOf, uniform } from '../../store/shards/sample-stores.ts';
import { temporaryFolder } from '../../store/support/temporary-folder.ts';
import { ROOT } from '../../support/imports.ts';

const KILLS = 54;
/** Long enough for the second worker to be of help. */
const SHARD_MS = 20;

/** What bundled CommonJS packages expect. */
const CJS_NAMES = `import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const __dirname = '';`;

/** One file with all that the worker imports: it starts in a fifth of the time. */
async function bundleWorker(folder: string): Promise<string> {
  // The provenance names the package; its description is looked for above the program.
  await copyFile(join(ROOT, 'package.json'), join(folder, 'package.json'));
  await mkdir(join(folder, 'bundle'));
  // What the store loads by its place beside the module.
  for (const name of readdirSync(join(ROOT, 'store'), { recursive: true, encoding: 'utf8' })) {
    if (/\.(wat|mjs)$/.test(name))
      await copyFile(join(ROOT, 'store', name), join(folder, 'bundle', basename(name)));
  }
  const entry = fileURLToPath(new URL('./kill.child.ts', import.meta.url));
  await build({
    configFile: false,
    logLevel: 'silent',
    ssr: { noExternal: true },
    build: {
      ssr: entry,
      target: 'node20',
      outDir: join(folder, 'bundle'),
      emptyOutDir: false,
      rollupOptions: {
        output: { entryFileNames: 'worker.mjs', inlineDynamicImports: true, banner: CJS_NAMES },
      },
    },
  });
  return join(folder, 'bundle', 'worker.mjs');
}

/** A task on a new runs directory, its input made. */
async function makeTask(runs: string) {
  for (const name of ['locks', 'artifacts/dataset-0/x']) mkdirSync(join(runs, name), { recursive: true });
  const dataset = join(runs, 'artifacts', 'dataset-0');
  await rm(join(dataset, 'x'), { recursive: true });
  await writeFileAtomic(join(dataset, 'images.txt'), 'images\n');
  const identity = { codeVersion: 1, config: null, inputs: [] };
  const provenance = {
    finishedAt: '',
    durationSec: 0,
    resumed: 0,
    package: '',
    node: '',
    engine: null,
    host: '',
  };
  await finishArtifact(dataset, { ...identity, stage: 'dataset', key: '0' }, provenance);
  writeFileSync(join(runs, 'orders.json'), JSON.stringify({ shardMs: SHARD_MS }));
  const config = variantConfigSchema.parse({ dataset: { name: 'usps' } });
  return {
    name: 'precompute',
    identity: { ...identity, stage: 'precompute', key: '1' },
    config,
    variants: [{ label: 'only', config }],
    inputs: [{ stage: 'dataset', variant: 'only', key: '0', directory: dataset }],
    directory: join(runs, 'artifacts', 'precompute-1'),
    lock: join(runs, 'locks', 'precompute-1.lock'),
    dataDirectory: runs,
    needsEngine: false,
    precision: 'float32',
    afresh: false,
    helps: false,
    stagesModule: '',
  };
}

type Task = Awaited<ReturnType<typeof makeTask>>;

/** Runs a worker that is killed at its `deadly`-th operation; resolves to how many it did, or null where it was killed. */
async function work(program: string, task: Task, deadly: number): Promise<number | null> {
  const child = spawn(process.execPath, [program, JSON.stringify(task), String(deadly)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => (stdout += text));
  child.stderr.on('data', (text) => (stderr += text));
  const [code, signal] = await once(child, 'close');
  expect([code, signal, stderr]).toEqual(signal === null ? [0, null, ''] : [null, 'SIGKILL', '']);
  return signal === null ? Number(stdout) : null;
}

/** Names and checksums of the files of the artifact but for its provenance. */
async function contentsOf(task: Task): Promise<Map<string, string>> {
  const content = await contentOf(task.directory);
  content.delete('provenance.json');
  return content;
}

test(`${KILLS} kills of two workers leave a store as if there had been none`, async () => {
  const folder = await temporaryFolder();
  const program = await bundleWorker(folder);
  const whole = await makeTask(join(folder, 'whole'));
  const operations = (await work(program, whole, 0))!;
  const expected = await contentsOf(whole);

  const next = uniform(20261121);
  const draw = () => 1 + Math.floor((next() * operations) / 2);
  let [kills, helped] = [0, 0];
  for (let store = 0; kills < KILLS; store++) {
    const task = await makeTask(join(folder, String(store)));
    do {
      const ends = await Promise.all([draw(), draw()].map((deadly) => work(program, task, deadly)));
      kills += ends.filter((end) => end === null).length;
    } while ((await inspectArtifact(task.directory)).state !== 'finished');
    // One more, as the last kill may have come after the manifest.
    await work(program, task, 0);
    helped += readFileSync(join(folder, String(store), 'made.txt'), 'utf8').split('helper').length - 1;
    expect(await contentsOf(task), `store ${store}`).toEqual(expected);
    expect(await verifyArtifact(task.directory)).toEqual([]);
    expect(readdirSync(join(folder, String(store), 'locks'))).toEqual([]);
  }
  expect(helped, 'shards that helpers made').toBeGreaterThan(KILLS / 4);
}, 120_000);
