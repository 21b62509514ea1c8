/**
 * A worker that kills itself at one of its file operations: `kill.child.ts TASK N` with the task as JSON. What the
 * N-th operation was to do is done half (a write) or not at all; N = 0 lets it finish. Prints how many there were.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const [task, deadly] = [JSON.parse(process.argv[2]!), Number(process.argv[3])];
let operations = 0;

/** Counts an operation; at the deadly one does what is left to do and ends the process. */
async function pass(lastDeed: () => Promise<unknown> = async () => undefined): Promise<void> {
  if (++operations !== deadly) return;
  await lastDeed();
  process.kill(process.pid, 'SIGKILL');
  await new Promise(() => undefined);
}

type Call = (...args: never[]) => Promise<unknown>;
const files = fs.promises as unknown as Record<string, Call>;
for (const name of ['open', 'rename', 'link', 'rm']) {
  const real = files[name]!;
  files[name] = async (...args: never[]) => {
    await pass();
    return real(...args);
  };
}
const handle = await fs.promises.open(process.execPath, 'r');
const prototype = Object.getPrototypeOf(handle);
await handle.close();
const { write, writeFile, sync } = prototype;
prototype.write = async function (bytes: Uint8Array, start: number, length: number, at: number) {
  await pass(() => write.call(this, bytes, start, Math.floor(length / 2), at));
  return write.call(this, bytes, start, length, at);
};
prototype.writeFile = async function (data: Uint8Array | string) {
  await pass(() => writeFile.call(this, data.slice(0, Math.floor(data.length / 2))));
  return writeFile.call(this, data);
};
prototype.sync = async function () {
  await pass();
  return sync.call(this);
};
syncBuiltinESMExports();

const { executeStage } = await import('../../../pipeline/stage-execution.ts');
const { stages } = await import('./stages.ts');
const silent = () => undefined;
await executeStage(task, stages[1]!, {
  waiting: silent,
  progress: silent,
  note: silent,
  welcomeHelp: silent,
  askInFloat32: () => Promise.reject(new Error('all is float32 here')),
  startEngine: async () => 'none',
  signal: new AbortController().signal,
});
process.stdout.write(String(operations));
