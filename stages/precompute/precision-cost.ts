/**
 * What reduced precision costs: some gradients beside those of the same network in float32, which another process
 * computes, since a process has one precision for its life. Measured before the store is filled, and kept with it.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PrecisionCost } from '../../schemas/gradient-store.ts';
import type { StageContext } from '../../schemas/stage.ts';
import { temporaryName } from '../../store/atomic-file.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import { readPrecisionCost, writePrecisionCost } from '../../store/shards/precision-cost.ts';
import { writeTensors } from '../../store/tensor-file.ts';
import { stopIfAsked } from '../numerics/running.ts';
import type { CostQuestion } from './float32-gradients.ts';
import { sampleGradients } from './sample-gradients.ts';
import type { TargetClasses } from './target-classes.ts';
import type { TargetMaker } from './target-maker.ts';

/** Up to here the direction is as good as that of float32: a cosine of 0.9999. */
const NEGLIGIBLE_LOSS = 1e-4;

/** Does nothing in float32, in a helper, and where an interrupted run has measured already. */
export async function measurePrecision(
  context: StageContext,
  dataset: Dataset,
  targets: TargetClasses,
  maker: TargetMaker,
): Promise<void> {
  const { directory, askInFloat32, config, inputs, sharing } = context;
  if (askInFloat32 === undefined || sharing?.isHelper) return;
  if ((await readPrecisionCost(directory)) !== null) return;
  const { data, images, gradients } = await sampleGradients(maker, targets, dataset);
  const file = temporaryName(join(directory, 'sample.safetensors'));
  const question: CostQuestion = { config, inputs, file };
  try {
    await writeTensors(file, { gradients: { shape: [gradients, dataset.size], data } });
    const loss = await askInFloat32<Loss>(new URL('./float32-gradients.ts', import.meta.url), question);
    const cost = { precision: 'bfloat16' as const, images, gradients, ...loss };
    await writePrecisionCost(directory, cost);
    tell(context, cost);
  } catch (error) {
    // Ctrl-C ends the other process as well.
    stopIfAsked(context);
    throw error;
  } finally {
    await rm(file, { force: true });
  }
}

type Loss = Pick<PrecisionCost, 'meanCosineLoss' | 'worstCosineLoss'>;

/** Short, since a line of the log begins with the names of stage and variant. */
function tell(
  { note }: StageContext,
  { precision, meanCosineLoss: mean, worstCosineLoss: worst }: PrecisionCost,
) {
  const loss = (value: number) => value.toExponential(1);
  note(`${precision}: 1 - cos with float32 ${loss(mean)}, at worst ${loss(worst)}`);
  if (mean > NEGLIGIBLE_LOSS)
    note(`more than ${loss(NEGLIGIBLE_LOSS)}: precompute.precision float32 avoids it`);
}
