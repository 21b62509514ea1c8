/** Towards which classes each image has a gradient: all, or a part that depends on (configuration, image) alone. */

import { PipelineError } from '../../schemas/errors.ts';
import type { GradientStoreInfo } from '../../schemas/gradient-store.ts';
import { type PrecomputeConfig, targetsOf } from '../../schemas/precompute-config.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import { type Nearness, nearnessByLogits, nearnessByMean } from './nearness.ts';

export interface TargetClasses {
  /** Classes of each image. */
  perImage: number;
  targetClasses: GradientStoreInfo['targetClasses'];
  /** Those of images `first` … `first + count − 1`: [count × perImage]. */
  of(first: number, count: number): Uint16Array;
}

/**
 * What `precompute.targets` asks for. Throws `CONFIG_INVALID` where the data set has not so many classes, and what
 * reading the classifier throws.
 */
export async function chooseTargets(config: PrecomputeConfig, dataset: Dataset): Promise<TargetClasses> {
  const targets = targetsOf(config);
  const classes = dataset.info.classNames.length;
  const every = Uint16Array.from({ length: classes }, (_, label) => label);
  switch (targets.kind) {
    case 'all':
      return { ...listed(classes, () => every), targetClasses: 'all' };
    case 'all-but-true':
      return listed(classes - 1, (image) => every.filter((label) => label !== dataset.train.labels[image]));
    case 'random': {
      requireAtMost(targets.count, classes, 'the number of classes');
      return listed(targets.count, (image) => drawn(config.seed ?? 0, image, classes, targets.count));
    }
    case 'top': {
      requireAtMost(targets.count, classes - 1, 'the number of classes without the own one of an image');
      const { by, count } = targets;
      const nearness = by === 'class-mean' ? nearnessByMean(dataset) : await nearnessByLogits(dataset, by);
      return ranked(dataset, nearness, count);
    }
  }
}

function listed(perImage: number, of: (image: number) => Uint16Array): TargetClasses {
  return {
    perImage,
    targetClasses: 'listed',
    of(first, count) {
      const classes = new Uint16Array(count * perImage);
      for (let i = 0; i < count; i++) classes.set(of(first + i), i * perImage);
      return classes;
    },
  };
}

/** Different classes in rising order. */
function drawn(seed: number, image: number, classes: number, count: number): Uint16Array {
  const order = randomStream(seed, 'precompute-targets', image).permutation(classes);
  return Uint16Array.from(order.subarray(0, count)).sort();
}

/** The nearest classes but the true one, the nearest first; of equally near ones the lower index. */
function ranked({ train, info }: Dataset, nearness: Nearness, perImage: number): TargetClasses {
  const classes = info.classNames.length;
  return {
    perImage,
    targetClasses: 'listed',
    of(first, count) {
      const near = nearness(first, count);
      const out = new Uint16Array(count * perImage);
      for (let i = 0; i < count; i++) {
        const value = (label: number) => near[i * classes + label]!;
        const others = Array.from({ length: classes }, (_, label) => label)
          .filter((label) => label !== train.labels[first + i])
          .sort((a, b) => value(b) - value(a) || a - b);
        out.set(others.slice(0, perImage), i * perImage);
      }
      return out;
    },
  };
}

function requireAtMost(count: number, most: number, what: string): void {
  if (count <= most) return;
  throw new PipelineError(
    'CONFIG_INVALID',
    `Expected precompute.targets.count to be at most ${most}, ${what}, got ${count}; lower it.`,
  );
}
