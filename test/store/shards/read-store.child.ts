/**
 * Reads every row of a store in random order, 256 at a time, then all in order, and prints by how much the process grew
 * at most, and how large it was at most.
 */
import { openGradientReader } from '../../../store/shards/gradient-reader.ts';
import { sizeOf, uniform } from './sample-stores.ts';

const reader = await openGradientReader(process.argv[2]!);
const { info } = reader;
const next = uniform(1);
const order = Array.from({ length: info.images * info.targets }, (_, row) => ({ row, key: next() }))
  .sort((a, b) => a.key - b.key)
  .map(({ row }) => ({ image: Math.floor(row / info.targets), target: row % info.targets }));

const out = new Float32Array(256 * sizeOf(info)).fill(1);
globalThis.gc?.();
const before = process.memoryUsage.rss();
let most = before;
const note = () => {
  globalThis.gc?.();
  most = Math.max(most, process.memoryUsage.rss());
};
for (let start = 0; start < order.length; start += 256) {
  await reader.read(order.slice(start, start + 256), out);
  note();
}
let inOrder = 0;
for await (const { images } of reader.batches()) {
  inOrder += images * info.targets;
  note();
}
await reader.close();
const peakBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(JSON.stringify({ rows: order.length, inOrder, grownBytes: most - before, peakBytes }));
