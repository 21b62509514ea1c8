/**
 * Carries out a plan: independent work side by side, in worker processes, what others wait for longest
 * first. The parent itself never computes, so that it can always draw, stop and repair.
 */
import { join, resolve } from 'node:path';
import PQueue from 'p-queue';
import { PipelineError } from '../schemas/errors.ts';
import { artifactDirectory, inspectArtifact, reopenArtifact, verifyArtifact } from '../store/artifacts.ts';
import { makeDirectory } from '../store/atomic-file.ts';
import { acquireLock } from '../store/lock-file.ts';
import { type Graph, type Node, nodeId, nodeName, priorities } from './dag.ts';
import type { Emit, Subject } from './events.ts';
import { directoryOf, lockOf, logOf, type TaskSetting, taskOf } from './node-task.ts';
import type { FoundState, PlannedNode } from './plan.ts';
import { SharedProgress } from './shared-progress.ts';
import { WorkerPool } from './worker-pool.ts';
import type { TaskHooks } from './worker-process.ts';

export interface RunnerOptions extends TaskSetting {
  /** Workers at a time. */
  jobs: number;
  emit: Emit;
  /** Called before the first stage that needs the engine. */
  prepareEngine(): Promise<void>;
  /** Asks for a clean stop: workers save and end. */
  stop: AbortSignal;
  /** Ends the workers without saving. */
  kill: AbortSignal;
}

/** How each artifact of a graph lies on the disk; a quick look without checksums. */
export async function inspectGraph(graph: Graph, runs: string): Promise<Map<string, FoundState>> {
  const states = graph.nodes.map(async (node): Promise<[string, FoundState]> => {
    return [node.id, await inspectArtifact(artifactDirectory(runs, node.stage, node.key))];
  });
  return new Map(await Promise.all(states));
}

/**
 * Runs all that the plan says. Rejects with the first error after every worker has saved and ended, or with
 * `INTERRUPTED` when stopped; what was finished until then is kept.
 */
export async function runPlan(plan: readonly PlannedNode[], options: RunnerOptions): Promise<void> {
  await makeDirectory(join(options.runs, 'locks'));
  await makeDirectory(join(options.runs, 'logs'));
  await new Run(plan, options).finish();
}

function interrupted(): PipelineError {
  return new PipelineError('INTERRUPTED', 'Stopped on request; what was finished is kept.');
}

/** Below that of any node. */
const HELPERS_PRIORITY = -1;

/** A node that is being made, as its workers share it. */
interface Shared {
  progress: SharedProgress;
  /** Whether its own worker is still at it. */
  isOpen: boolean;
}

/** One run: owns the queue and the worker processes. */
class Run {
  private readonly nodes: Map<string, Node>;
  private readonly priority: Map<string, number>;
  private readonly queue: PQueue;
  private readonly workers = new WorkerPool();
  private running = 0;
  /** Per node, its completion; replaced when the node is repaired. */
  private readonly completions = new Map<string, Promise<void>>();
  private readonly repairs = new Map<string, Promise<void>>();
  private readonly started = new Set<string>();
  /** Nodes whose unfinished work is to be discarded when they are begun; a second attempt keeps what the first made. */
  private readonly afresh: Set<string>;
  private engine: Promise<void> | undefined;
  private failure: unknown;
  private readonly plan: readonly PlannedNode[];
  private readonly options: RunnerOptions;

  constructor(plan: readonly PlannedNode[], options: RunnerOptions) {
    this.plan = plan;
    this.options = options;
    this.nodes = new Map(plan.map(({ node }) => [node.id, node]));
    this.priority = priorities(plan.map(({ node }) => node));
    this.queue = new PQueue({ concurrency: options.jobs });
    this.afresh = new Set(plan.filter(({ afresh }) => afresh).map(({ node }) => node.id));
    for (const { node, action } of plan) {
      if (action === 'cached') this.completions.set(node.id, Promise.resolve());
    }
  }

  async finish(): Promise<void> {
    const { stop, kill, emit } = this.options;
    const onStop = () => {
      emit({ event: 'stopping', cause: 'request' });
      this.fail(interrupted());
    };
    const onKill = () => this.workers.kill();
    stop.addEventListener('abort', onStop);
    kill.addEventListener('abort', onKill);
    try {
      if (stop.aborted) onStop();
      await Promise.allSettled(this.due().map((node) => this.complete(node)));
      await this.queue.onIdle();
      await this.workers.close();
    } finally {
      stop.removeEventListener('abort', onStop);
      kill.removeEventListener('abort', onKill);
    }
    if (this.failure !== undefined) throw this.failure;
  }

  /** What the plan asks for, most urgent first, so that nodes that become ready together are queued in that order. */
  private due(): Node[] {
    const nodes = this.plan.flatMap(({ node, action }) =>
      action === 'run' || action === 'resume' ? [node] : [],
    );
    return nodes.sort((one, other) => this.priority.get(other.id)! - this.priority.get(one.id)!);
  }

  /** Resolves when the artifact of a node is finished; starts whatever is missing for that. */
  private complete(node: Node): Promise<void> {
    const known = this.completions.get(node.id);
    return known ?? this.remember(node, this.execute(node));
  }

  private remember(node: Node, completion: Promise<void>): Promise<void> {
    this.completions.set(node.id, completion);
    // Whoever needs it awaits it; one that nobody needs any more must not end the program.
    completion.catch(() => undefined);
    return completion;
  }

  private inputsOf(node: Node): Node[] {
    return node.inputs.map((input) => this.nodes.get(nodeId(input))!);
  }

  /** Makes a node after its inputs. An input that turns out to be damaged is mended and the node tried once more. */
  private async execute(node: Node): Promise<void> {
    await Promise.all(this.inputsOf(node).map((input) => this.complete(input)));
    try {
      await this.enqueue(node);
    } catch (error) {
      const input = this.damagedInput(node, error);
      if (input === undefined || this.failure !== undefined) throw this.giveUp(node, error);
      try {
        await this.repair(input, (error as PipelineError).place.files ?? [], node);
        await this.enqueue(node);
      } catch (again) {
        throw this.giveUp(node, again);
      }
    }
  }

  /** Tells of a node's failure and ends the run. Returns the error. */
  private giveUp(node: Node, error: unknown): unknown {
    if (this.started.has(node.id)) {
      const { message } = error as Error;
      const code = error instanceof PipelineError ? error.code : null;
      this.options.emit({
        event: 'fail',
        ...subjectOf(node),
        code,
        message,
        log: logOf(node, this.options.runs),
      });
    }
    return this.fail(error);
  }

  /** The input that an error names as damaged. */
  private damagedInput(node: Node, error: unknown): Node | undefined {
    if (!(error instanceof PipelineError) || error.code !== 'ARTIFACT_DAMAGED') return undefined;
    const { artifact } = error.place;
    if (artifact === undefined) return undefined;
    return this.inputsOf(node).find((input) => directoryOf(input, this.options.runs) === resolve(artifact));
  }

  /** Makes the damaged files of an artifact anew, at most once in a run; `files` are those that a reader met. */
  private repair(damaged: Node, files: string[], reader: Node): Promise<void> {
    const known = this.repairs.get(damaged.id);
    if (known !== undefined) return known;
    const { emit } = this.options;
    emit({ event: 'repair', ...subjectOf(reader), artifact: nodeName(damaged), files });
    const mend = async (): Promise<void> => {
      const lock = await acquireLock(lockOf(damaged, this.options.runs), {
        purpose: `repair of ${nodeName(damaged)}`,
        onWait: (holder) => emit({ event: 'wait', ...subjectOf(damaged), holder }),
        signal: this.options.stop,
      });
      try {
        // The reader met the first bad file only; and another run may have mended it while we waited.
        const bad = await verifyArtifact(directoryOf(damaged, this.options.runs));
        if (bad.length === 0) return;
        await reopenArtifact(directoryOf(damaged, this.options.runs), bad);
      } finally {
        await lock.release();
      }
      await this.execute(damaged);
    };
    const repair = this.remember(damaged, mend());
    this.repairs.set(damaged.id, repair);
    return repair;
  }

  private enqueue(node: Node): Promise<void> {
    const priority = this.priority.get(node.id)!;
    return new Promise((resolve, reject) => {
      const task = async () => {
        await this.work(node).then(resolve, reject);
        // Those that waited for this node are queued before its place goes to the next: the most urgent comes first.
        await new Promise((go) => setImmediate(go));
      };
      this.queue.add(task, { priority }).catch(reject);
    });
  }

  private async work(node: Node): Promise<void> {
    if (this.failure !== undefined) throw interrupted();
    if (node.needsEngine) {
      this.engine ??= this.options.prepareEngine();
      await this.engine;
      if (this.failure !== undefined) throw interrupted();
    }
    const { emit } = this.options;
    const subject = subjectOf(node);
    const begun = performance.now();
    this.started.add(node.id);
    emit({ event: 'start', ...subject });
    this.running++;
    const shared: Shared = { progress: new SharedProgress(), isOpen: true };
    try {
      const task = taskOf(node, this.options, { afresh: this.afresh.delete(node.id), helps: false });
      const made = await this.workers.run(task, logOf(node, this.options.runs), {
        ...this.hooksOf(node, shared),
        welcome: () => this.invite(node, shared),
      });
      const seconds = (performance.now() - begun) / 1000;
      emit({ event: 'finish', ...subject, seconds, made, directory: directoryOf(node, this.options.runs) });
    } finally {
      shared.isOpen = false;
      this.running--;
    }
  }

  /** What a worker says of a node, told to the user; its progress is added to that of the others. */
  private hooksOf(node: Node, shared: Shared): Omit<TaskHooks, 'welcome'> & { left(): void } {
    const { emit } = this.options;
    const subject = subjectOf(node);
    const worker = {};
    return {
      waiting: (holder) => emit({ event: 'wait', ...subject, holder }),
      note: (sentence) => emit({ event: 'note', ...subject, sentence }),
      progress: (line) => {
        if (shared.isOpen) emit({ event: 'progress', ...subject, ...shared.progress.read(worker, line) });
      },
      output: (text) => emit({ event: 'log', ...subject, text }),
      left: () => shared.progress.leave(worker),
    };
  }

  /** Has workers that would be idle help with a node that is being made; all other work goes before. */
  private invite(node: Node, shared: Shared): void {
    for (let helper = 1; helper < this.options.jobs; helper++) {
      this.queue.add(() => this.help(node, shared), { priority: HELPERS_PRIORITY }).catch(() => undefined);
    }
  }

  /** Without help the node's own worker does everything, so a helper's failure is only told. */
  private async help(node: Node, shared: Shared): Promise<void> {
    if (this.failure !== undefined || !shared.isOpen) return;
    const hooks = this.hooksOf(node, shared);
    try {
      const task = taskOf(node, this.options, { afresh: false, helps: true });
      await this.workers.run(task, logOf(node, this.options.runs), { ...hooks, welcome: () => undefined });
    } catch (error) {
      if (this.failure === undefined) hooks.note(`one worker less: ${(error as Error).message}`);
    } finally {
      hooks.left();
    }
  }

  /** The first error ends the run: no more work starts, and what runs is saved. Returns it. */
  private fail(error: unknown): unknown {
    if (this.failure === undefined) {
      this.failure = error;
      const isRequest = this.options.stop.aborted;
      if (!isRequest && this.running > 0) this.options.emit({ event: 'stopping', cause: 'failure' });
      this.workers.stop();
    }
    return error;
  }
}

function subjectOf(node: Node): Subject {
  return { id: node.id, name: nodeName(node) };
}
