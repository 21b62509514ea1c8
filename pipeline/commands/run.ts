/** `pipeline run [stage]`: makes what is missing, and tells where the results are. */
import { PipelineError } from '../../schemas/errors.ts';
import { artifactDirectory } from '../../store/artifacts.ts';
import { nodeName } from '../dag.ts';
import { ensureEngine } from '../engine/ensure.ts';
import { requirePrecision } from '../engine/precision.ts';
import type { Emit } from '../events.ts';
import { rememberRun } from '../last-run.ts';
import { openLog } from '../log.ts';
import type { PlannedNode } from '../plan.ts';
import {
  findDataDirectory,
  jobsOf,
  type Prepared,
  planLines,
  prepare,
  type RunArguments,
} from '../prepare.ts';
import { publishReport, storeResolvedExperiment } from '../results.ts';
import { runPlan } from '../runner.ts';
import { showCommand } from '../show-command.ts';
import { listenForStop } from '../stop-signals.ts';
import type { World } from '../world.ts';

/** Runs to the end, or rejects with the error to show; `INTERRUPTED` says how to go on. */
export async function runCommand(args: RunArguments, world: World): Promise<void> {
  const log = openLog(args, world.stdout, world.environment);
  const signals = listenForStop();
  let hasBegun = false;
  const emit: Emit = (event) => {
    hasBegun ||= event.event === 'start';
    log.emit(event);
  };
  try {
    await run(args, world, emit, signals);
  } catch (error) {
    const isRequest = error instanceof PipelineError && error.code === 'INTERRUPTED' && signals.stop.aborted;
    const told = isRequest ? stopped(args) : (error as Error);
    const code = told instanceof PipelineError ? told.code : null;
    emit({ event: 'error', code, message: told.message, kept: hasBegun });
    throw told;
  } finally {
    signals.close();
    log.close();
  }
}

async function run(
  args: RunArguments,
  world: World,
  emit: Emit,
  signals: { stop: AbortSignal; kill: AbortSignal },
): Promise<void> {
  const jobs = jobsOf(args.jobs);
  const dataDirectory = findDataDirectory(args.data, world.environment);
  const prepared = await prepare(args, world);
  const { experiment, whole, plan } = prepared;
  requireOfMachine(plan, world);
  emit({ event: 'plan', experiment: experiment.name, nodes: planLines(plan) });
  await storeResolvedExperiment(args.runs, experiment);
  await rememberRun(args.runs, experiment.name, whole);
  await runPlan(plan, {
    experiment,
    runs: args.runs,
    dataDirectory,
    stagesModule: world.stagesModule,
    jobs,
    emit,
    prepareEngine: () => ensureEngine((line) => emit({ event: 'setup', line })),
    ...signals,
  });
  await tellResult(args, prepared, emit);
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

async function tellResult(args: RunArguments, prepared: Prepared, emit: Emit): Promise<void> {
  const { experiment, stages, graph } = prepared;
  const directories = graph.targets.map((node) => ({
    id: node.id,
    name: nodeName(node),
    directory: artifactDirectory(args.runs, node.stage, node.key),
  }));
  const { stage } = graph.targets[0]!;
  const gathersAll = stages.find(({ name }) => name === stage)?.scope === 'experiment';
  const published = gathersAll ? await publishReport(args.runs, experiment, directories[0]!.directory) : null;
  const { summary = '', report = null } = published ?? {};
  emit({ event: 'result', summary, report, directories });
}

function stopped(args: RunArguments): PipelineError {
  return new PipelineError('INTERRUPTED', `Stopped. Continue with: ${showCommand(args)}`);
}
