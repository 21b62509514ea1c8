/** What is known of each data set before its files are read: its name, the shape of an image, the number of classes. */
import type { SplitName } from './dataset.ts';

export const DATASET_NAMES = [
  'usps',
  'mnist',
  'fashion-mnist',
  'cifar10',
  'cifar100',
  'svhn',
  'stl10',
  'imagenet64',
  'imagenet',
  'restricted-imagenet',
  'cub200',
  'mnist-distractor',
  'folder',
  'parquet',
  'numpy',
  'toy',
] as const;
export type DatasetName = (typeof DATASET_NAMES)[number];

/** `null`: it depends on the files or on the configuration. */
interface DatasetFacts {
  /** [height, width, channels] of an image, [dimensions] of a point. */
  shape: readonly number[] | null;
  classes: number | null;
  /** Of the official files; absent where the data are of one's own. */
  images?: Partial<Record<SplitName, number>>;
}

const MNIST = { train: 60_000, test: 10_000 };
const CIFAR = { train: 50_000, test: 10_000 };
const IMAGENET = { train: 1_281_167, test: 50_000 };

export const DATASET_FACTS: Record<DatasetName, DatasetFacts> = {
  usps: { shape: [16, 16, 1], classes: 10, images: { train: 7_291, test: 2_007 } },
  mnist: { shape: [28, 28, 1], classes: 10, images: MNIST },
  cifar10: { shape: [32, 32, 3], classes: 10, images: CIFAR },
  'fashion-mnist': { shape: [28, 28, 1], classes: 10, images: MNIST },
  cifar100: { shape: [32, 32, 3], classes: 100, images: CIFAR },
  svhn: { shape: [32, 32, 3], classes: 10, images: { train: 73_257, test: 26_032 } },
  stl10: { shape: [96, 96, 3], classes: 10, images: { train: 5_000, test: 8_000, unlabelled: 100_000 } },
  imagenet64: { shape: [64, 64, 3], classes: 1000, images: IMAGENET },
  imagenet: { shape: null, classes: null, images: IMAGENET },
  'restricted-imagenet': { shape: null, classes: 9, images: { train: 257_748, test: 10_150 } },
  cub200: { shape: null, classes: 200, images: { train: 5_994, test: 5_794 } },
  'mnist-distractor': { shape: [56, 28, 1], classes: 10, images: MNIST },
  parquet: { shape: null, classes: null },
  numpy: { shape: null, classes: null },
  folder: { shape: null, classes: null },
  toy: { shape: [2], classes: 2 },
};

/** What of a data set's configuration decides that. */
interface NamedDataset {
  name: DatasetName;
  size?: number | undefined;
  grayscale?: boolean | undefined;
  classes?: readonly unknown[] | undefined;
  groups?: Record<string, readonly string[]> | undefined;
  labels?: 'fine' | 'coarse' | undefined;
}

/** Shape of one input and number of classes, as far as they are known before the data are read. */
export function inputsOf({ name, size, grayscale, classes: chosen, labels, groups }: NamedDataset): {
  shape?: number[];
  classes?: number;
} {
  const { shape, classes: known } = DATASET_FACTS[name];
  const grouped = groups === undefined ? known : Object.keys(groups).length;
  const all = name === 'cifar100' && labels === 'coarse' ? 20 : grouped;
  const resized = size === undefined ? null : [size, size, grayscale ? 1 : 3];
  const sides = shape ?? resized;
  const classes = chosen?.length ?? all;
  return {
    ...(sides === null ? {} : { shape: [...sides] }),
    ...(classes === null ? {} : { classes }),
  };
}

/** Whether anything of a data set is drawn, so that it hangs on the seed. */
export function usesSeed(config: { name: DatasetName; validation?: unknown; perClass?: unknown }): boolean {
  const isDrawn = config.name === 'toy' || config.name === 'mnist-distractor';
  return isDrawn || config.validation !== undefined || config.perClass !== undefined;
}

/** Data sets whose folder the configuration must name. */
export const OWN_DATASETS: readonly DatasetName[] = ['folder', 'parquet', 'numpy'];
/** Data sets of pictures of many sizes, which are brought to `dataset.size`. */
export const PICTURE_DATASETS: readonly DatasetName[] = [
  'folder',
  'parquet',
  'imagenet',
  'restricted-imagenet',
  'cub200',
];
