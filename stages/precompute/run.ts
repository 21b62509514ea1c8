/** Fills the gradient store shard by shard; a shard that is finished is never computed again. */

import { GRADIENT_STORE_VERSION, type GradientStoreInfo } from '../../schemas/gradient-store.ts';
import type { StageContext } from '../../schemas/stage.ts';
import { type Dataset, readDataset } from '../../store/dataset-artifact.ts';
import { openGradientWriter } from '../../store/shards/gradient-writer.ts';
import { registerGradients } from '../numerics/gradients/register.ts';
import { inputOf, stopIfAsked, yieldToEvents } from '../numerics/running.ts';
import { makeTargets } from './make-targets.ts';

export async function runPrecompute(context: StageContext): Promise<void> {
  registerGradients();
  const dataset = await readDataset(inputOf(context, 'dataset').directory);
  const maker = await makeTargets(context, dataset);
  const writer = await openGradientWriter(
    context.directory,
    describeStore(context, dataset, maker.description),
  );
  const missing = await writer.missing();
  const finished = writer.shardCount - missing.length;
  if (finished > 0) context.note(`resuming with ${finished} of ${writer.shardCount} shards finished`);
  let done = dataset.train.count - missing.reduce((sum, shard) => sum + writer.imagesOf(shard).count, 0);
  for (const shard of missing) {
    const { first, count } = writer.imagesOf(shard);
    const gradients = await maker.compute(first, count, async (inShard) => {
      context.progress({ done: done + inShard, total: dataset.train.count, unit: 'images' });
      await yieldToEvents();
      stopIfAsked(context);
    });
    await writer.write(shard, gradients);
    done += count;
  }
  await writer.finish();
}

function describeStore(
  { config }: StageContext,
  { info, train }: Dataset,
  description: string,
): GradientStoreInfo {
  return {
    version: GRADIENT_STORE_VERSION,
    codec: config.precompute.codec,
    shape: info.shape,
    images: train.count,
    classes: info.classNames.length,
    targets: info.classNames.length,
    targetClasses: 'all',
    shardImages: config.precompute.shardImages,
    description,
  };
}
