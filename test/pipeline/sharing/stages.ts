/**
 * A stage that fills a real gradient store, shared between processes, without an engine. The file `orders.json` of the
 * data directory slows it down or has helpers fail; `made.txt` tells who made which shard.
 */
import { existsSync, readFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PipelineError } from '../../../schemas/errors.ts';
import type { StageContext, StageDefinition } from '../../../schemas/stage.ts';
import { writeDataset } from '../../../store/dataset-artifact.ts';
import { openGradientWriter } from '../../../store/shards/gradient-writer.ts';
import { makeShards, missingShards } from '../../../store/shards/share-shards.ts';
import { gradientsOf, storeInfo } from '../../store/shards/sample-stores.ts';

export interface Orders {
  /** Milliseconds that a shard takes. */
  shardMs?: number;
  /** Whether the owner makes nothing before there is a file `go` in the data directory. */
  ownerWaits?: boolean;
  /** What every helper throws at its first shard. */
  helpersThrow?: string;
}

const INFO = storeInfo({ shape: [8, 8, 3], images: 46, targets: 3, shardImages: 4, codec: 'int8' });
export const IMAGES = INFO.images;
export const SHARDS = 12;
const STEPS = 4;

async function fillStore(context: StageContext): Promise<void> {
  const { directory, dataDirectory, sharing, signal } = context;
  const path = dataDirectory === null ? '' : join(dataDirectory, 'orders.json');
  const orders: Orders = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
  const all = gradientsOf(INFO);
  const writer = await openGradientWriter(directory, INFO);
  const values = INFO.targets * 8 * 8 * 3;
  await missingShards(writer, context);
  await makeShards(writer, context, {
    async compute(shard, finishedImages) {
      const { first, count } = writer.imagesOf(shard);
      if (orders.helpersThrow !== undefined && sharing?.isHelper) {
        throw new PipelineError('NOT_FINITE', orders.helpersThrow);
      }
      if (orders.ownerWaits && !sharing?.isHelper) {
        while (!existsSync(join(dataDirectory!, 'go'))) await sleep(20);
      }
      for (let step = 1; step <= STEPS; step++) {
        if (orders.shardMs !== undefined) await sleep(orders.shardMs / STEPS);
        if (signal.aborted) throw new PipelineError('INTERRUPTED', 'Stopped on request.');
        const underway = Math.floor((count * step) / STEPS);
        context.progress({ done: finishedImages + underway, underway, total: INFO.images, unit: 'images' });
      }
      return all.subarray(first * values, (first + count) * values);
    },
    async write(shard, gradients) {
      await writer.write(shard, gradients);
      if (dataDirectory === null) return;
      const role = sharing?.isHelper ? 'helper' : 'owner';
      await appendFile(join(dataDirectory, 'made.txt'), `${shard} ${process.pid} ${role}\n`);
    },
  });
  if (!sharing?.isHelper) await writer.finish();
}

/** Images that are easily told apart: image i has the value i everywhere in its first channel. */
async function makeImages({ directory }: StageContext): Promise<void> {
  const [side, channels] = [8, 3];
  const images = Uint8Array.from({ length: IMAGES * side * side * channels }, (_, i) =>
    i % channels === 0 ? Math.floor(i / (side * side * channels)) : 200,
  );
  const labels = Uint16Array.from({ length: IMAGES }, (_, i) => i % 3);
  const info = {
    name: 'made',
    shape: [side, side, channels],
    storage: 'uint8' as const,
    box: [0, 1] as [number, number],
    classNames: ['ant', 'bee', 'cat'],
    trainCount: IMAGES,
    testCount: IMAGES,
    sources: [],
    provenance: 'made for a test',
  };
  await writeDataset(directory, info, { train: { images, labels }, test: { images, labels } });
}

export const stages: readonly StageDefinition[] = [
  {
    name: 'dataset',
    codeVersion: 1,
    scope: 'variant',
    inputs: () => [],
    configPart: () => 'images',
    needsEngine: () => false,
    load: async () => makeImages,
  },
  {
    name: 'precompute',
    codeVersion: 1,
    scope: 'variant',
    inputs: () => ['dataset'],
    configPart: () => 'gradients',
    needsEngine: () => false,
    shared: true,
    load: async () => fillStore,
  },
];
