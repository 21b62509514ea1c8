/**
 * Reads one epoch as training does, in its random order, and does nothing with it: `read-epoch.ts DATASET STORE TARGETS`
 * (two artifact folders; a number or `all`). Prints one line of JSON.
 */
import { trainSchema } from '../../schemas/train-config.ts';
import { makeBatches, stepsPerEpoch } from '../../stages/train/batches.ts';
import { readDataset } from '../../store/dataset-artifact.ts';
import { openGradientReader } from '../../store/shards/gradient-reader.ts';
import { prefetch } from '../../store/shards/prefetch.ts';

const [datasetFolder, storeFolder, targets] = process.argv.slice(2) as [string, string, string];
/** Batches under way, as in training. */
const AHEAD = 2;

const residentMb = () => process.memoryUsage.rss() / 1e6;

const dataset = await readDataset(datasetFolder);
const withImages = residentMb();
const reader = await openGradientReader(storeFolder);
const targetsPerImage = targets === 'all' ? 'all' : Number(targets);
const config = trainSchema.parse({ batchSize: 128, targetsPerImage });
const trained = Uint32Array.from({ length: dataset.train.count }, (_, i) => i);
const makeBatch = makeBatches(dataset, trained, config, reader);
const steps = stepsPerEpoch(trained, config);

let [rows, sum] = [0, 0];
const held: number[] = [];
const begun = performance.now();
for await (const batch of prefetch(steps, makeBatch, AHEAD)) {
  rows += batch.targets.length * batch.images.length;
  sum += batch.targets[0]!.gradient[0]!;
  held.push(residentMb());
}
const seconds = (performance.now() - begun) / 1000;
await reader.close();
const quarter = (part: number) => Math.max(...held.slice((part * steps) / 4, ((part + 1) * steps) / 4));
const quarters = [0, 1, 2, 3].map((part) => quarter(part) - withImages);
process.stdout.write(`${JSON.stringify({ rows, seconds, withImages, quarters, sum })}\n`);
