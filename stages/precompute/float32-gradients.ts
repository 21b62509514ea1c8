/** The other side of precision-cost.ts, in a process whose engine is in float32. */
import type { StageContext } from '../../schemas/stage.ts';
import { readDataset } from '../../store/dataset-artifact.ts';
import { cosineLoss } from '../../store/shards/cosine-loss.ts';
import { readTensors } from '../../store/tensor-file.ts';
import { registerGradients } from '../numerics/gradients/register.ts';
import { inputOf } from '../numerics/running.ts';
import { makeTargets } from './make-targets.ts';
import { sampleGradients } from './sample-gradients.ts';
import { chooseTargets } from './target-classes.ts';

export interface CostQuestion extends Pick<StageContext, 'config' | 'inputs'> {
  /** Holds `gradients`, [count × size], as {@link sampleGradients} gave them in the other precision. */
  file: string;
}

/** 1 − cos between each of them and the same in float32: the mean, and the largest. */
export async function answer({
  config,
  inputs,
  file,
}: CostQuestion): Promise<{ meanCosineLoss: number; worstCosineLoss: number }> {
  registerGradients();
  const dataset = await readDataset(inputOf({ inputs }, 'dataset').directory);
  const targets = await chooseTargets(config.precompute, dataset);
  const maker = await makeTargets({ config, inputs }, dataset);
  const { data } = await sampleGradients(maker, targets, dataset);
  const { gradients } = (await readTensors(file)).tensors;
  const [count, size] = gradients!.shape as [number, number];
  const reduced = Float32Array.from(gradients!.data);
  const losses = Array.from({ length: count }, (_, row) =>
    cosineLoss(data.subarray(row * size, (row + 1) * size), reduced.subarray(row * size, (row + 1) * size)),
  );
  return {
    meanCosineLoss: losses.reduce((sum, loss) => sum + loss, 0) / count,
    worstCosineLoss: Math.max(...losses),
  };
}
