/**
 * The program of a worker process: makes one artifact after another as its parent names them, and reports. It ends when its parent
 * says so; if the parent is killed, the worker goes at once.
 */
import { toErrorRecord } from '../schemas/errors.ts';
import type { Progress, StageDefinition } from '../schemas/stage.ts';
import { askInFloat32 } from './engine/ask-in-float32.ts';
import { executeStage } from './stage-execution.ts';
import type { FromWorker, Task, ToWorker } from './worker-protocol.ts';

/** Progress is for people: more often than this nobody sees it. */
const PROGRESS_MS = 100;

/** Of the task at hand. */
let stopping = new AbortController();

function say(message: FromWorker): void {
  if (process.connected) process.send?.(message);
}

process.on('message', (message: ToWorker) => {
  if (message.say === 'start') void work(message.task);
  else if (message.say === 'stop') stopping.abort();
  else process.exit(0);
});
// SIGKILL rather than exit: nothing may run or be written any more, just as after the parent's own end.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// Ctrl-C reaches the whole group of processes; the work is to be saved then.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());
process.on('uncaughtException', (error) => say({ say: 'failed', error: toErrorRecord(error) }));

async function work(task: Task): Promise<void> {
  stopping = new AbortController();
  try {
    const made = await executeStage(task, await findDefinition(task), {
      waiting: (holder) => say({ say: 'waiting', holder }),
      progress: throttled(),
      note: (sentence) => say({ say: 'note', sentence }),
      welcomeHelp: () => say({ say: 'welcome' }),
      startEngine: () => startEngine(task),
      askInFloat32,
      signal: stopping.signal,
    });
    say({ say: 'done', made, memoryBytes: process.memoryUsage.rss() });
  } catch (error) {
    say({ say: 'failed', error: toErrorRecord(error) });
  }
}

async function findDefinition({ stagesModule, identity }: Task): Promise<StageDefinition> {
  const { stages } = (await import(stagesModule)) as { stages: readonly StageDefinition[] };
  const found = stages.find((stage) => stage.name === identity.stage);
  if (found === undefined) throw new Error(`${stagesModule} has no stage ${identity.stage}`);
  return found;
}

/** Loaded here and not above, because most of a second passes before the engine is up. */
async function startEngine({ precision }: Task): Promise<string> {
  const { registerEngine } = await import('./engine/register.ts');
  const { name, tensorflow, devices } = await registerEngine({ threads: 1, precision });
  return `${name} ${tensorflow} (${devices.join(', ')}, ${precision})`;
}

function throttled(): (line: Progress) => void {
  let lastMs = -PROGRESS_MS;
  return (line) => {
    const nowMs = performance.now();
    if (nowMs - lastMs < PROGRESS_MS && line.done < line.total) return;
    lastMs = nowMs;
    say({ say: 'progress', line });
  };
}
