/** What is known of each data set before its files are read: its name, the shape of an image, the number of classes. */

export const DATASET_NAMES = ['usps', 'mnist', 'cifar10', 'folder', 'toy'] as const;
export type DatasetName = (typeof DATASET_NAMES)[number];

/** `null`: it depends on the files or on the configuration. */
interface DatasetFacts {
  /** [height, width, channels] of an image, [dimensions] of a point. */
  shape: readonly number[] | null;
  classes: number | null;
}

export const DATASET_FACTS: Record<DatasetName, DatasetFacts> = {
  usps: { shape: [16, 16, 1], classes: 10 },
  mnist: { shape: [28, 28, 1], classes: 10 },
  cifar10: { shape: [32, 32, 3], classes: 10 },
  folder: { shape: null, classes: null },
  toy: { shape: [2], classes: 2 },
};

/** What of a data set's configuration decides that. */
interface NamedDataset {
  name: DatasetName;
  size?: number | undefined;
  grayscale?: boolean | undefined;
  classes?: readonly unknown[] | undefined;
}

/** Shape of one input and number of classes, as far as they are known before the data are read. */
export function inputsOf({ name, size, grayscale, classes: chosen }: NamedDataset): {
  shape?: number[];
  classes?: number;
} {
  const { shape, classes: all } = DATASET_FACTS[name];
  const resized = size === undefined ? null : [size, size, grayscale ? 1 : 3];
  const known = shape ?? resized;
  const classes = chosen?.length ?? all;
  return {
    ...(known === null ? {} : { shape: [...known] }),
    ...(classes === null ? {} : { classes }),
  };
}

/** Whether anything of a data set is drawn, so that it hangs on the seed. */
export function usesSeed(config: { name: DatasetName; validation?: unknown; perClass?: unknown }): boolean {
  return config.name === 'toy' || config.validation !== undefined || config.perClass !== undefined;
}
