/** Fills the gradient store shard by shard, beside others that do; a finished shard is never computed again. */
import { GRADIENT_STORE_VERSION, type GradientStoreInfo } from '../../schemas/gradient-store.ts';
import type { StageContext } from '../../schemas/stage.ts';
import { type Dataset, readDataset } from '../../store/dataset-artifact.ts';
import { type GradientWriter, openGradientWriter } from '../../store/shards/gradient-writer.ts';
import { makeShards, missingShards } from '../../store/shards/share-shards.ts';
import { storedBytes } from '../../store/shards/store-size.ts';
import { registerGradients } from '../numerics/gradients/register.ts';
import { inputOf, stopIfAsked, yieldToEvents } from '../numerics/running.ts';
import { Estimate, requireRoom } from './estimate.ts';
import { makeTargets } from './make-targets.ts';
import { measurePrecision } from './precision-cost.ts';
import { chooseTargets, type TargetClasses } from './target-classes.ts';
import type { TargetMaker } from './target-maker.ts';

/** What computing a shard needs. */
interface Work {
  context: StageContext;
  maker: TargetMaker;
  targets: TargetClasses;
  writer: GradientWriter;
  estimate: Estimate;
}

export async function runPrecompute(context: StageContext): Promise<void> {
  registerGradients();
  const dataset = await readDataset(inputOf(context, 'dataset').directory);
  const targets = await chooseTargets(context.config.precompute, dataset);
  const maker = await makeTargets(context, dataset);
  const info = describeStore(context, dataset, targets, maker.description);
  const writer = await openGradientWriter(context.directory, info);
  const isHelper = context.sharing?.isHelper ?? false;
  const missing = await missingShards(writer, context);
  const images = missing.reduce((sum, shard) => sum + writer.imagesOf(shard).count, 0);
  const bytes = storedBytes(info, images);
  if (!isHelper) await requireRoom(context.directory, bytes);
  await measurePrecision(context, dataset, targets, maker);
  const estimate = new Estimate(bytes, images, dataset.train.count, context);
  const work: Work = { context, maker, targets, writer, estimate };
  const isListed = targets.targetClasses === 'listed';
  await makeShards(writer, context, {
    compute: (shard, finishedImages) => computeShard(work, shard, finishedImages),
    write: (shard, { gradients, classes }) => writer.write(shard, gradients, isListed ? classes : undefined),
  });
  if (!isHelper) await writer.finish();
}

async function computeShard(
  { context, maker, targets, writer, estimate }: Work,
  shard: number,
  finishedImages: number,
) {
  const { first, count } = writer.imagesOf(shard);
  const classes = targets.of(first, count);
  estimate.openShard(finishedImages);
  const gradients = await maker.compute({
    first,
    count,
    classes,
    async onImage(done) {
      estimate.tell(done);
      await yieldToEvents();
      stopIfAsked(context);
    },
  });
  estimate.closeShard(count);
  return { gradients, classes };
}

function describeStore(
  { config }: StageContext,
  { info, train }: Dataset,
  { perImage, targetClasses }: TargetClasses,
  description: string,
): GradientStoreInfo {
  return {
    version: GRADIENT_STORE_VERSION,
    codec: config.precompute.codec,
    shape: info.shape,
    images: train.count,
    classes: info.classNames.length,
    targets: perImage,
    targetClasses,
    shardImages: config.precompute.shardImages,
    description,
  };
}
