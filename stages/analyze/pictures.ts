/** Pictures: images, their targets, the classifier's gradients, and large targeted attacks towards every class. */
import type { ExperimentConfig } from '../../schemas/config.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import type { GradientReader } from '../../store/shards/gradient-reader.ts';
import { classGradients } from '../numerics/analyses/class-gradients.ts';
import { pgd } from '../numerics/attacks/pgd.ts';
import type { LogitsOf } from '../numerics/attacks/tensor-attack.ts';
import { norms } from '../numerics/attacks/tensor-norms.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import { tf } from '../numerics/tensor/tf.ts';
import { valuesOf } from '../numerics/tensor/values.ts';
import { targetsByClass } from './stored-targets.ts';

/** Arrays by name, as `arrays.safetensors` holds them. */
export type Arrays = Record<string, { shape: number[]; data: Float32Array }>;

/** Indices of the first image of each class in turn, then the second of each, until there are enough. */
export function oneOfEachClass(labels: Uint16Array, classes: number, wanted: number): number[] {
  const byClass = Array.from({ length: classes }, (_, label) =>
    [...labels.keys()].filter((i) => labels[i] === label),
  );
  const chosen: number[] = [];
  for (let round = 0; chosen.length < Math.min(wanted, labels.length); round++) {
    for (const members of byClass) if (round < members.length) chosen.push(members[round]!);
  }
  return chosen.slice(0, wanted);
}

/** PGD of large ε towards every class, without a stop once the class is reached. [n × classes × size]. */
function largeAttacks(
  { info, size }: Dataset,
  logitsOf: LogitsOf,
  images: Float32Array,
  { pictureEps, pictureSteps }: ExperimentConfig['analyze'],
): Float32Array {
  const classes = info.classNames.length;
  const count = images.length / size;
  const out = new Float32Array(count * classes * size);
  for (let target = 0; target < classes; target++) {
    const attacked = valuesOf(() => {
      const x = tf.tensor(images, [count, ...info.shape]);
      const options = {
        norm: norms.L2,
        eps: pictureEps,
        steps: pictureSteps,
        stepSize: (2.5 * pictureEps) / pictureSteps,
        randomStart: false,
        box: info.box,
        keepClimbing: true,
        randomOf: (i: number) => randomStream(i),
      };
      const wanted = new Uint16Array(count).fill(target);
      return pgd(logitsOf, { x, classes: wanted, targeted: true }, options);
    });
    for (let i = 0; i < count; i++) {
      out.set(attacked.subarray(i * size, (i + 1) * size), (i * classes + target) * size);
    }
  }
  return out;
}

/** Pictures of training images, which have targets; the attacks start from them too. */
export async function pictures(
  dataset: Dataset,
  logitsOf: LogitsOf,
  reader: GradientReader | null,
  config: ExperimentConfig['analyze'],
): Promise<{ arrays: Arrays; labels: number[] }> {
  const { train, info } = dataset;
  const classes = info.classNames.length;
  const chosen = oneOfEachClass(train.labels, classes, config.images);
  const images = train.gather(chosen);
  const grid = [chosen.length, classes, ...info.shape];
  const arrays: Arrays = {
    images: { shape: [chosen.length, ...info.shape], data: images },
    gradients: { shape: grid, data: classGradients(logitsOf, images, info.shape, classes) },
    attacked: { shape: grid, data: largeAttacks(dataset, logitsOf, images, config) },
  };
  if (reader !== null) arrays.targets = { shape: grid, data: await targetsByClass(dataset, reader, chosen) };
  return { arrays, labels: chosen.map((index) => train.labels[index]!) };
}
