/** The worker processes of a run: idle ones are used again, and all can be stopped at once. */
import { type TaskHooks, WorkerProcess } from './worker-process.ts';
import type { Task } from './worker-protocol.ts';

/** Owns the processes; how many run at a time is up to the caller. */
export class WorkerPool {
  private readonly workers = new Set<WorkerProcess>();

  /** Runs a task in an idle worker or a new one, see {@link WorkerProcess.run}. */
  async run(task: Task, log: string, hooks: TaskHooks): Promise<boolean> {
    // Chosen and set to work without a pause, so that no other task is given the same worker.
    const worker = this.fittingFor(task) ?? this.start();
    try {
      return await worker.run(task, log, hooks);
    } finally {
      if (!worker.isFree) await this.release(worker);
    }
  }

  /** Asks all to save their work. */
  stop(): void {
    for (const worker of this.workers) worker.stop();
  }

  /** Ends all without saving. */
  kill(): void {
    for (const worker of this.workers) worker.kill();
  }

  /** Lets all go; resolves when they are gone. */
  async close(): Promise<void> {
    await Promise.all([...this.workers].map((worker) => this.release(worker)));
  }

  /** A free worker that fits; one without an engine can bring up any. */
  private fittingFor({ needsEngine, precision }: Task): WorkerProcess | undefined {
    const idle = [...this.workers].filter((worker) => worker.isFree);
    const wanted = needsEngine ? precision : null;
    // A stage without need of the engine leaves the workers that have it to others, where there is a choice.
    const fitting =
      idle.find(({ engine }) => engine === wanted) ??
      idle.find(({ engine }) => wanted === null || engine === null);
    // Those that are left have an engine of another precision: one makes room for a new worker.
    if (fitting === undefined && idle[0] !== undefined) void this.release(idle[0]);
    return fitting;
  }

  private start(): WorkerProcess {
    const worker = new WorkerProcess();
    this.workers.add(worker);
    return worker;
  }

  private async release(worker: WorkerProcess): Promise<void> {
    await worker.end();
    this.workers.delete(worker);
  }
}
