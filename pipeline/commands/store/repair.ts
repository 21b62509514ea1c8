/**
 * `pipeline store repair`: has the stage that made a store compute what is damaged again. How it was made is known from
 * the experiment whose last run needs it; the artifact's key makes sure that it is the same.
 */
import { basename, join, resolve } from 'node:path';
import type { Experiment } from '../../../schemas/config.ts';
import { PipelineError } from '../../../schemas/errors.ts';
import type { StageDefinition } from '../../../schemas/stage.ts';
import { readManifest, reopenArtifact } from '../../../store/artifacts.ts';
import { keyOf } from '../../../store/content-hash.ts';
import { acquireLock } from '../../../store/lock-file.ts';
import { readShardRecord } from '../../../store/shards/store-layout.ts';
import { isNewer, type Verdict, verifyStore } from '../../../store/shards/verify-store.ts';
import { loadExperiment } from '../../config/load.ts';
import { readSource } from '../../config/source.ts';
import { buildGraph, type Graph, nodeId } from '../../dag.ts';
import { ensureEngine } from '../../engine/ensure.ts';
import { listExperiments } from '../../inventory.ts';
import { experimentDirectory } from '../../last-run.ts';
import { openLog } from '../../log.ts';
import { lockOf } from '../../node-task.ts';
import { makePlan } from '../../plan.ts';
import { findDataDirectory, jobsOf } from '../../prepare.ts';
import { inspectGraph, runPlan } from '../../runner.ts';
import { listenForStop } from '../../stop-signals.ts';
import type { World } from '../../world.ts';
import { findStore, runsOf } from './find-store.ts';
import type { StoreArguments } from './info.ts';

const SHARD = /^(shard-(\d+))\.(arrow|json)$/;

/** SHA-256 that a shard may have had, by its name; none where that is not known. */
type Known = Map<string, string[]>;

interface RepairArguments extends StoreArguments {
  data?: string | undefined;
  jobs?: number | undefined;
  verbose: boolean;
}

/** What is to be run. */
interface Work {
  experiment: Experiment;
  graph: Graph;
  runs: string;
  dataDirectory: string | null;
}

/**
 * A shard that was made again, and whether its SHA-256 is what it was, null where that is not known; or one that the store
 * should not have and that was taken out.
 */
interface Repaired {
  file: string;
  isRemoved: boolean;
  isSame: boolean | null;
}

export async function repairCommand(args: RepairArguments, world: World): Promise<void> {
  const directory = resolve(await findStore(args.source, args.runs));
  const before = await verifyStore(directory);
  if (before.isFinished && before.damages.length === 0) {
    world.stdout.write(args.json ? '[]\n' : `${directory}: nothing to repair.\n`);
    return;
  }
  requireRepairable(directory, before);
  const dataDirectory = findDataDirectory(args.data, world.environment);
  const { experiment, graph, runs } = await graphOf(directory, world);
  const known = await knownChecksums(directory, before);
  await reopen(directory, runs, before);
  await run(args, world, { experiment, graph, runs, dataDirectory });
  await tell(args, world, directory, known);
}

function requireRepairable(directory: string, { damages }: Verdict): void {
  const newer = damages.find(isNewer);
  if (newer === undefined) return;
  const message = `Expected a store that this release can write, found that a newer one has written ${newer.file} of ${directory}; update this program.`;
  throw new PipelineError('VERSION_NEWER', message, { place: { artifact: directory } });
}

/** The part of an experiment that ends in the artifact, from the resolved file of an experiment that needs it. */
async function graphOf(directory: string, { stagesModule }: World): Promise<Omit<Work, 'dataDirectory'>> {
  const runs = runsOf(directory);
  const id = basename(directory);
  const users = runs === null ? [] : await listExperiments(runs);
  const { stages } = (await import(stagesModule)) as { stages: readonly StageDefinition[] };
  for (const { name, nodes } of users) {
    if (!nodes.some((node) => nodeId(node) === id)) continue;
    const file = join(experimentDirectory(runs!, name), 'experiment.yaml');
    // As it was resolved then, with the checksums of the data: no file of a data set is looked at.
    const experiment = loadExperiment(readSource({ config: file }), []);
    const whole = buildGraph(stages, experiment, keyOf);
    const target = whole.nodes.find((node) => node.id === id);
    if (target !== undefined)
      return { experiment, graph: { nodes: needed(whole, id), targets: [target] }, runs: runs! };
  }
  const message = `Expected an experiment whose last run needs ${id} and that still gives the same key, found none ${runs === null ? `around ${directory}, which lies in no runs directory` : `in ${runs}`}. Run the experiment that made it again: \`pipeline run\` mends damage as it meets it.`;
  throw new PipelineError('NOT_FOUND', message, { place: { artifact: directory } });
}

/** The node and all that it is made from, inputs first. */
function needed({ nodes }: Graph, id: string) {
  const ids = new Set([id]);
  for (const node of nodes.toReversed())
    if (ids.has(node.id)) for (const input of node.inputs) ids.add(nodeId(input));
  return nodes.filter((node) => ids.has(node.id));
}

/**
 * SHA-256 of the shards that are to be made again, as the manifest and their records have it. Where these two differ, either
 * may be right.
 */
async function knownChecksums(directory: string, { info, damages, doubtful }: Verdict): Promise<Known> {
  const manifest = await readManifest(directory).catch(() => null);
  const known: Known = new Map();
  for (const file of [...damages.map((damage) => damage.file), ...doubtful]) {
    const [, name, number] = SHARD.exec(file) ?? [];
    if (name === undefined) continue;
    const listed = manifest?.files.find((entry) => entry.name === `${name}.arrow`)?.sha256;
    const record = info && (await readShardRecord(directory, info, Number(number)).catch(() => undefined));
    known.set(
      `${name}.arrow`,
      [listed, record?.sha256].filter((sha256) => sha256 !== undefined),
    );
  }
  return known;
}

/** Takes out what is damaged, under the artifact's lock; the stage then makes only that. */
async function reopen(directory: string, runs: string, { damages, doubtful }: Verdict): Promise<void> {
  const path = lockOf({ id: basename(directory) }, runs);
  const lock = await acquireLock(path, { purpose: 'repair', wait: false });
  try {
    await reopenArtifact(directory, [...damages.map(({ file }) => file), ...doubtful]);
  } finally {
    await lock.release();
  }
}

async function run(
  args: RepairArguments,
  world: World,
  { experiment, graph, runs, dataDirectory }: Work,
): Promise<void> {
  const log = openLog(
    { json: false, quiet: args.json, verbose: args.verbose },
    world.stdout,
    world.environment,
  );
  const signals = listenForStop();
  try {
    await runPlan(makePlan(graph, await inspectGraph(graph, runs), []), {
      experiment,
      runs,
      dataDirectory,
      stagesModule: world.stagesModule,
      jobs: jobsOf(args.jobs),
      emit: log.emit,
      prepareEngine: () => ensureEngine((line) => log.emit({ event: 'setup', line })),
      ...signals,
    });
  } finally {
    signals.close();
    log.close();
  }
}

async function tell({ json }: RepairArguments, world: World, directory: string, known: Known): Promise<void> {
  const files = (await readManifest(directory))?.files ?? [];
  const repaired = [...known].map(([file, before]): Repaired => {
    const now = files.find(({ name }) => name === file)?.sha256;
    const isRemoved = now === undefined;
    return { file, isRemoved, isSame: before.length === 0 || isRemoved ? null : before.includes(now) };
  });
  const words = (isSame: boolean | null) =>
    isSame === null
      ? 'its SHA-256 before is not known'
      : isSame
        ? 'the same SHA-256 as before'
        : 'ANOTHER SHA-256 than before';
  const lines = repaired.map(
    ({ file, isRemoved, isSame }) => `${file}: ${isRemoved ? 'taken out' : `made again, ${words(isSame)}`}`,
  );
  world.stdout.write(
    json ? `${JSON.stringify(repaired, null, 2)}\n` : `${[...lines, `${directory} is whole.`].join('\n')}\n`,
  );
  const other = repaired.filter(({ isSame }) => isSame === false);
  if (other.length === 0) return;
  throw new PipelineError(
    'ARTIFACT_DAMAGED',
    `Expected the same bytes as before, found others in ${other.map(({ file }) => file).join(', ')} of ${directory}. What is made from this store may come from the old ones: make it again (pipeline clean, then run), or look for a difference in program or engine.`,
    { place: { artifact: directory } },
  );
}
