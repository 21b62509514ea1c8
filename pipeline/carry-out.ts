/** Runs a job from its plan to its result, and tells what happens; how a command names the job is its own affair. */
import { PipelineError } from '../schemas/errors.ts';
import { artifactDirectory } from '../store/artifacts.ts';
import { nodeName } from './dag.ts';
import { ensureEngine } from './engine/ensure.ts';
import { requirePrecision } from './engine/precision.ts';
import type { Emit, ResultEvent } from './events.ts';
import { rememberRun } from './last-run.ts';
import { openLog } from './log.ts';
import type { PlannedNode } from './plan.ts';
import { type Job, jobsOf, type Prepared, planLines, prepareJob, type RunOptions } from './prepare.ts';
import { storeResolvedExperiment } from './results.ts';
import { runPlan } from './runner.ts';
import { showCommand } from './show-command.ts';
import { listenForStop } from './stop-signals.ts';
import type { World } from './world.ts';

/** A job, and what the command that asks for it has to say. */
export interface Errand {
  /** What is to be made; its errors are told like those of the run. */
  job(): Job | Promise<Job>;
  /** Words of the command that goes on where this one was stopped. */
  again: readonly string[];
  /** What to tell at the end. @param directories of what was asked for */
  result(
    prepared: Prepared,
    directories: ResultEvent['directories'],
  ): Promise<Omit<ResultEvent, 'event' | 'directories'>>;
}

/** Runs to the end, or rejects with the error to show; `INTERRUPTED` says how to go on. */
export async function carryOut(errand: Errand, options: RunOptions, world: World): Promise<void> {
  const log = openLog(options, world.stdout, world.environment);
  const signals = listenForStop();
  let hasBegun = false;
  const emit: Emit = (event) => {
    hasBegun ||= event.event === 'start';
    log.emit(event);
  };
  try {
    await run(errand, options, world, emit, signals);
  } catch (error) {
    const isRequest = error instanceof PipelineError && error.code === 'INTERRUPTED' && signals.stop.aborted;
    const told = isRequest ? stopped(errand.again) : (error as Error);
    const code = told instanceof PipelineError ? told.code : null;
    emit({ event: 'error', code, message: told.message, kept: hasBegun });
    throw told;
  } finally {
    signals.close();
    log.close();
  }
}

async function run(
  errand: Errand,
  options: RunOptions,
  world: World,
  emit: Emit,
  signals: { stop: AbortSignal; kill: AbortSignal },
): Promise<void> {
  const { runs } = options;
  const jobs = jobsOf(options.jobs);
  const job = await errand.job();
  const prepared = await prepareJob(job, options, world);
  const { experiment, whole, graph, plan } = prepared;
  requireOfMachine(plan, world);
  emit({ event: 'plan', experiment: experiment.name, nodes: planLines(plan) });
  await storeResolvedExperiment(runs, experiment);
  await rememberRun(runs, experiment.name, whole);
  await runPlan(plan, {
    experiment,
    runs,
    dataDirectory: job.dataDirectory,
    stagesModule: world.stagesModule,
    jobs,
    emit,
    prepareEngine: () => ensureEngine((line) => emit({ event: 'setup', line })),
    ...signals,
  });
  const directories = graph.targets.map((node) => ({
    id: node.id,
    name: nodeName(node),
    directory: artifactDirectory(runs, node.stage, node.key),
  }));
  emit({ event: 'result', ...(await errand.result(prepared, directories)), directories });
}

/** Before any work: that this machine can do all of it. */
function requireOfMachine(plan: readonly PlannedNode[], { cpu, environment }: World): void {
  const due = plan.filter(
    ({ action, node }) => node.needsEngine && (action === 'run' || action === 'resume'),
  );
  for (const { precision } of due.map(({ node }) => node)) {
    requirePrecision(precision, cpu(), environment.PAG_ENGINE);
  }
}

function stopped(again: readonly string[]): PipelineError {
  return new PipelineError('INTERRUPTED', `Stopped. Continue with: ${showCommand(again)}`);
}
