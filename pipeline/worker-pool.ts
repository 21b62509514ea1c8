/** The worker processes of a run: idle ones are used again, and all can be stopped at once. */
import { type TaskHooks, WorkerProcess } from './worker-process.ts';
import type { Task } from './worker-protocol.ts';

/** Owns the processes; how many run at a time is up to the caller. */
export class WorkerPool {
  private readonly workers = new Set<WorkerProcess>();

  /** Runs a task in an idle worker or a new one, see {@link WorkerProcess.run}. */
  async run(task: Task, log: string, hooks: TaskHooks): Promise<boolean> {
    const idle = [...this.workers].filter((worker) => worker.isFree);
    // A stage without need of the engine leaves the workers that have it to others, where there is a choice.
    const worker = idle.find(({ hasEngine }) => hasEngine === task.needsEngine) ?? idle[0] ?? this.start();
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
