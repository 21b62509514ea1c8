/**
 * Reads every gradient of a store once, all targets of 128 images at a time in random order, without data set and network:
 * `read-rows.ts STORE`. Prints one line of JSON.
 */
import { epochOrder } from '../../stages/train/sampler.ts';
import { openGradientReader } from '../../store/shards/gradient-reader.ts';
import { gradientLength } from '../../store/shards/store-layout.ts';

const BATCH = 128;

const reader = await openGradientReader(process.argv[2]!);
const { images, targets } = reader.info;
const all = Uint32Array.from({ length: images }, (_, image) => image);
const order = epochOrder(0, 0, all);
const out = new Float32Array(BATCH * targets * gradientLength(reader.info));
const steps = Math.ceil(images / BATCH);

const held: number[] = [];
const begun = performance.now();
for (let step = 0; step < steps; step++) {
  const batch = order.subarray(step * BATCH, (step + 1) * BATCH);
  const rows = Array.from(batch, (image) =>
    Array.from({ length: targets }, (_, target) => ({ image, target })),
  );
  await reader.read(rows.flat(), out);
  held.push(process.memoryUsage.rss() / 1e6);
}
const seconds = (performance.now() - begun) / 1000;
await reader.close();
const quarters = [0, 1, 2, 3].map((part) =>
  Math.max(...held.slice((part * steps) / 4, ((part + 1) * steps) / 4)),
);
process.stdout.write(`${JSON.stringify({ rows: images * targets, seconds, quarters })}\n`);
