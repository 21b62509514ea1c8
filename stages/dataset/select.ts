/** Which images of a data set are used: pure functions of the configuration, the seed and the labels. */
import type { ExperimentConfig } from '../../schemas/config.ts';
import { PipelineError } from '../../schemas/errors.ts';
import { randomStream } from '../numerics/tensor/random.ts';

type DatasetConfig = ExperimentConfig['dataset'];

/** Indices into a split of the files, rising, and the class of each image among those that are used. */
export interface Selection {
  indices: Uint32Array;
  labels: Uint16Array;
}

/** Places among all classes of those that `dataset.classes` names, in its order; of all where it is not given. */
export function chosenClasses(
  { classes, name }: Pick<DatasetConfig, 'classes' | 'name'>,
  classNames: readonly string[],
): number[] {
  if (classes === undefined) return [...classNames.keys()];
  const places = classes.map((wanted) => {
    const index = typeof wanted === 'number' ? wanted : classNames.indexOf(wanted);
    if (index >= 0 && index < classNames.length) return index;
    const known = classNames.length > 20 ? `${classNames.slice(0, 20).join(', ')}, …` : classNames.join(', ');
    throw invalid(
      `Expected dataset.classes to name classes of ${name} (${known}) or places from 0 to ${classNames.length - 1}, found ${JSON.stringify(wanted)}.`,
    );
  });
  const twice = places.find((place, i) => places.indexOf(place) < i);
  if (twice === undefined) return places;
  throw invalid(
    `Expected dataset.classes to name each class of ${name} once, found ${classNames[twice]} by name and by place.`,
  );
}

/** The images of the chosen classes; a class's new label is its place among the chosen ones. */
export function ofClasses(labels: Uint16Array, classes: readonly number[]): Selection {
  const place = new Map(classes.map((label, i) => [label, i]));
  const indices = Uint32Array.from(labels.keys()).filter((index) => place.has(labels[index]!));
  return { indices, labels: Uint16Array.from(indices, (index) => place.get(labels[index]!)!) };
}

/**
 * Holds out a part of the training images, drawn by the seed, that has the classes in the proportions of the whole
 * (largest remainders).
 */
export function holdOut(
  selection: Selection,
  wanted: { images: number } | { share: number },
  seed: number,
): { kept: Selection; heldOut: Selection } {
  const { labels } = selection;
  const count = 'images' in wanted ? wanted.images : Math.round(wanted.share * labels.length);
  if (count < 1 || count >= labels.length) {
    throw invalid(
      `Expected dataset.validation to hold out at least one and not all of the ${labels.length} training images, found ${count}.`,
    );
  }
  const quotas = proportional(countsOf(labels), count);
  const held = drawByClass(labels, quotas, seed, 'dataset-validation');
  return { kept: part(selection, (i) => !held.has(i)), heldOut: part(selection, (i) => held.has(i)) };
}

/** As many images of each class, drawn by the seed. */
export function balance(
  selection: Selection,
  perClass: number,
  seed: number,
  classNames: readonly string[],
): Selection {
  const counts = countsOf(selection.labels);
  const least = counts.indexOf(Math.min(...counts));
  if (counts[least]! < perClass) {
    throw invalid(
      `Expected at least ${perClass} training images of every class, as dataset.perClass says, found ${counts[least]} of ${classNames[least]}.`,
    );
  }
  const quotas = counts.map(() => perClass);
  const chosen = drawByClass(selection.labels, quotas, seed, 'dataset-per-class');
  return part(selection, (i) => chosen.has(i));
}

export function first({ indices, labels }: Selection, count: number | undefined): Selection {
  return { indices: indices.subarray(0, count), labels: labels.subarray(0, count) };
}

function part({ indices, labels }: Selection, isChosen: (place: number) => boolean): Selection {
  return {
    indices: indices.filter((_, i) => isChosen(i)),
    labels: labels.filter((_, i) => isChosen(i)),
  };
}

function countsOf(labels: Uint16Array): number[] {
  const counts: number[] = [];
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  return Array.from(counts, (count) => count ?? 0);
}

/** Whole numbers in the proportion of `counts` that add up to `total`. */
function proportional(counts: readonly number[], total: number): number[] {
  const sum = counts.reduce((a, b) => a + b, 0);
  const shares = counts.map((count) => (count * total) / sum);
  const quotas = shares.map(Math.floor);
  const byRemainder = [...counts.keys()].sort(
    (a, b) => shares[b]! - quotas[b]! - (shares[a]! - quotas[a]!) || a - b,
  );
  const missing = total - quotas.reduce((a, b) => a + b, 0);
  for (const label of byRemainder.slice(0, missing)) quotas[label]!++;
  return quotas;
}

/** Places of `quotas[c]` images of each class c. */
function drawByClass(
  labels: Uint16Array,
  quotas: readonly number[],
  seed: number,
  purpose: string,
): Set<number> {
  const left = [...quotas];
  const drawn = new Set<number>();
  for (const place of randomStream(seed, purpose).permutation(labels.length)) {
    if (left[labels[place]!]! === 0) continue;
    left[labels[place]!]!--;
    drawn.add(place);
  }
  return drawn;
}

function invalid(message: string): PipelineError {
  return new PipelineError('CONFIG_INVALID', message, { place: { stage: 'dataset' } });
}
