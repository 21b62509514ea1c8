/** Reads every row of a store in random order, 256 at a time, and prints by how much the process grew at most. */
import { openGradientReader } from '../../../store/shards/gradient-reader.ts';
import { sizeOf, uniform } from './sample-stores.ts';

const reader = await openGradientReader(process.argv[2]!, Number(process.argv[3]));
const { info } = reader;
const next = uniform(1);
const order = Array.from({ length: info.images * info.targets }, (_, row) => ({ row, key: next() }))
  .sort((a, b) => a.key - b.key)
  .map(({ row }) => ({ image: Math.floor(row / info.targets), target: row % info.targets }));

const out = new Float32Array(256 * sizeOf(info)).fill(1);
globalThis.gc?.();
const before = process.memoryUsage.rss();
let most = before;
for (let start = 0; start < order.length; start += 256) {
  await reader.read(order.slice(start, start + 256), out);
  globalThis.gc?.();
  most = Math.max(most, process.memoryUsage.rss());
}
await reader.close();
process.stdout.write(JSON.stringify({ rows: order.length, grownBytes: most - before }));
