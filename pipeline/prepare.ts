/** From the command line to a plan: reads the experiment, makes its graph and looks at what is there. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { closest } from 'fastest-levenshtein';
import { attackedModels } from '../schemas/attack-config.ts';
import type { Experiment } from '../schemas/config.ts';
import { PipelineError } from '../schemas/errors.ts';
import { namedModels } from '../schemas/precompute-config.ts';
import type { StageDefinition, StageName } from '../schemas/stage.ts';
import { keyOf } from '../store/content-hash.ts';
import { datasetFingerprint } from '../store/datasets/fingerprint.ts';
import { modelFingerprint } from '../store/model-fingerprint.ts';
import { loadExperiment } from './config/load.ts';
import { readSource } from './config/source.ts';
import { buildGraph, type Graph, nodeName, partialGraph } from './dag.ts';
import type { PlanLine } from './events.ts';
import { recallRun } from './last-run.ts';
import { makePlan, type PlannedNode } from './plan.ts';
import { inspectGraph } from './runner.ts';
import type { World } from './world.ts';

/** How an experiment is run, whichever it is. */
export interface RunOptions {
  runs: string;
  jobs?: number | undefined;
  /** Whether unfinished work is taken up again instead of discarded. */
  resume: boolean;
  json: boolean;
  quiet: boolean;
  verbose: boolean;
}

/** Options of `run` and `plan`, as the command line gives them. */
export interface RunArguments extends RunOptions {
  stage?: string | undefined;
  config?: string | undefined;
  preset?: string | undefined;
  set: string[];
  data?: string | undefined;
}

/** An experiment that is to be made, whole or as far as one stage. */
export interface Job {
  experiment: Experiment;
  stage?: string | undefined;
  /** Whether that stage is all that the experiment is for. @default false */
  endsThere?: boolean;
  /** Folder with the users' data sets, or null where there is none. */
  dataDirectory: string | null;
}

export interface Prepared {
  experiment: Experiment;
  stages: readonly StageDefinition[];
  /** All that the experiment needs. */
  whole: Graph;
  /** What was asked for, and all that it needs. */
  graph: Graph;
  plan: PlannedNode[];
}

/** Resolves the experiment that the command line names and plans its run. Writes nothing. */
export async function prepare(
  args: RunArguments,
  world: Pick<World, 'stagesModule' | 'environment'>,
): Promise<Prepared> {
  return prepareJob(readJob(args, world), args, world);
}

/** The experiment that the command line names. */
export function readJob(args: RunArguments, { environment }: Pick<World, 'environment'>): Job {
  const dataDirectory = findDataDirectory(args.data, environment);
  return { experiment: loadExperiment(readSource(args), args.set), stage: args.stage, dataDirectory };
}

/** Plans the run of an experiment, wherever it comes from. Writes nothing. */
export async function prepareJob(
  job: Job,
  { runs, resume }: Pick<RunOptions, 'runs' | 'resume'>,
  { stagesModule }: Pick<World, 'stagesModule'>,
): Promise<Prepared> {
  const { stages } = (await import(stagesModule)) as { stages: readonly StageDefinition[] };
  const stage = job.stage === undefined ? undefined : stageNamed(job.stage, stages);
  const experiment = await withFingerprints(job.experiment, job.dataDirectory);
  const all = buildGraph(stages, experiment, keyOf);
  const graph = stage === undefined ? all : partialGraph(stages, experiment, stage, keyOf, all);
  const whole = job.endsThere ? graph : all;
  const found = await inspectGraph(graph, runs);
  const plan = makePlan(graph, found, await recallRun(runs, experiment.name), resume);
  return { experiment, stages, whole, graph, plan };
}

/** The experiment with the checksums of each data set's files, and of the models that settings name, filled in. */
async function withFingerprints(experiment: Experiment, dataDirectory: string | null): Promise<Experiment> {
  const known = new Map<string, Promise<string | undefined>>();
  const once = async (place: string, take: () => Promise<string | undefined>) => {
    if (!known.has(place)) known.set(place, take());
    return known.get(place);
  };
  const variants = experiment.variants.map(
    async ({ label, config: { dataset, precompute, train, attack, ...rest } }) => {
      const { name, folder } = dataset;
      const { from } = train;
      const fingerprint = await once(`data ${name}/${folder}`, () =>
        datasetFingerprint(dataDirectory, dataset),
      );
      const ofModel = (path: string) => once(`model ${path}`, () => modelFingerprint(resolve(path)));
      const fromFingerprint = from === undefined ? undefined : await ofModel(from);
      return {
        label,
        config: {
          ...rest,
          dataset: { ...dataset, fingerprint },
          precompute: await withModelFingerprints(precompute, namedModels, ofModel),
          train: { ...train, fromFingerprint },
          attack: await withModelFingerprints(attack, attackedModels, ofModel),
        },
      };
    },
  );
  return { ...experiment, variants: await Promise.all(variants) };
}

/** A part of the configuration with the checksums of the models that it names. */
async function withModelFingerprints<T>(
  part: T,
  namedIn: (part: T) => readonly { model: string; fingerprint?: string | undefined }[],
  ofModel: (path: string) => Promise<string | undefined>,
): Promise<T> {
  const filled = structuredClone(part);
  for (const reference of namedIn(filled)) reference.fingerprint = await ofModel(reference.model);
  return filled;
}

/** The plan as events and --json tell it. */
export function planLines(plan: readonly PlannedNode[]): PlanLine[] {
  return plan.map(({ node, action, reason }) => ({ id: node.id, name: nodeName(node), action, reason }));
}

function stageNamed(name: string, stages: readonly StageDefinition[]): StageName {
  const names = stages.map((stage) => stage.name);
  const found = names.find((known) => known === name);
  if (found !== undefined) return found;
  throw new PipelineError(
    'USAGE',
    `Expected the name of a stage (${names.join(', ')}), got "${name}"; did you mean ${closest(name, names)}?`,
  );
}

/** Folder with the users' data: `option`, else PAG_DATA, else ./data where there is one, else null. */
export function findDataDirectory(
  option: string | undefined,
  environment: NodeJS.ProcessEnv,
  name = '--data',
): string | null {
  const given = option ?? (environment.PAG_DATA || undefined);
  if (given === undefined) return existsSync('data') ? resolve('data') : null;
  if (existsSync(given)) return resolve(given);
  const from = option === undefined ? 'the environment variable PAG_DATA' : name;
  throw new PipelineError(
    'DATA_MISSING',
    `Expected a folder with data sets at ${given}, as ${from} says, found nothing there; correct the path.`,
  );
}

/** Workers at a time: --jobs, else one per core. */
export function jobsOf(option: number | undefined): number {
  if (option === undefined) return availableParallelism();
  if (Number.isInteger(option) && option >= 1) return option;
  throw new PipelineError(
    'USAGE',
    `Expected --jobs to be a whole number >= 1, got ${Number.isNaN(option) ? 'something else' : option}.`,
  );
}
