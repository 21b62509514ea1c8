/** Certifies images with the smoothed classifier, one by one; those that are finished survive a stop. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { CertifyConfig } from '../../schemas/attack-config.ts';
import type { CertificateSummary } from '../../schemas/attack-results.ts';
import { writeFileAtomic } from '../../store/atomic-file.ts';
import { writeTable } from '../../store/tables.ts';
import {
  ABSTAIN,
  type Certificate,
  certify,
  countClasses,
  predictSmoothed,
  type Smoothed,
} from '../numerics/analyses/smoothing.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import type { Victim } from './victim.ts';

/** Work of so many milliseconds may be lost to a crash. */
const UNSAVED_MS = 5000;

/** One row of `certified.parquet`. */
export interface CertifiedImage extends Certificate {
  image: number;
  label: number;
  /** Class of the smoothed classifier without a radius, or −1 for abstaining; from the same n draws. */
  smoothedPrediction: number;
}

/**
 * Certifies the first `count` test images.
 *
 * @param path where finished rows are kept
 * @param onImages called between batches with the number of images done; may throw to stop
 */
export async function certifyImages(
  victim: Victim,
  config: CertifyConfig,
  count: number,
  path: string,
  onImages: (done: number) => Promise<void>,
): Promise<CertifiedImage[]> {
  const rows = existsSync(path) ? (JSON.parse(await readFile(path, 'utf8')) as CertifiedImage[]) : [];
  const save = () => writeFileAtomic(path, JSON.stringify(rows));
  let saved = Date.now();
  try {
    while (rows.length < count) {
      rows.push(await certifyImage(victim, config, rows.length, () => onImages(rows.length)));
      if (Date.now() - saved > UNSAVED_MS) {
        await save();
        saved = Date.now();
      }
    }
    await onImages(count);
  } finally {
    await save();
  }
  return rows;
}

async function certifyImage(
  { logitsOf, dataset, seed, batchSize, images, model }: Victim,
  config: CertifyConfig,
  position: number,
  betweenBatches: () => Promise<void>,
): Promise<CertifiedImage> {
  const index = images.indices[position]!;
  const smoothed: Smoothed = {
    logitsOf,
    classes: model.classNames.length,
    shape: dataset.info.shape,
    sigma: config.sigma,
    batchSize,
  };
  const image = images.at(position);
  const point = { image, randomOf: (draw: number) => randomStream(seed, 'smoothing', index, draw) };
  const chosen = await countClasses(smoothed, point, 0, config.n0, betweenBatches);
  const counts = await countClasses(smoothed, point, config.n0, config.n, betweenBatches);
  return {
    image: index,
    label: images.labels[position]!,
    ...certify(chosen, counts, config),
    smoothedPrediction: predictSmoothed(counts, config.alpha),
  };
}

/** The certificates of all images in figures. */
export function certificateOf(
  rows: readonly CertifiedImage[],
  { sigma, n0, n, alpha, radii }: CertifyConfig,
): CertificateSummary {
  const countOf = (holds: (row: CertifiedImage) => boolean) => rows.filter(holds).length;
  return {
    sigma,
    n0,
    n,
    alpha,
    images: rows.length,
    abstained: countOf((row) => row.prediction === ABSTAIN),
    radii: radii.map((radius) => ({
      radius,
      correct: countOf((row) => row.prediction === row.label && row.radius >= radius),
    })),
    predicted: {
      correct: countOf((row) => row.smoothedPrediction === row.label),
      abstained: countOf((row) => row.smoothedPrediction === ABSTAIN),
    },
  };
}

/** `certified.parquet`, one row per image. */
export async function writeCertificates(path: string, rows: readonly CertifiedImage[]): Promise<void> {
  const column = (name: keyof CertifiedImage, type: 'INT32' | 'DOUBLE') => ({
    name,
    type,
    values: rows.map((row) => row[name]),
  });
  await writeTable(path, [
    column('image', 'INT32'),
    column('label', 'INT32'),
    column('prediction', 'INT32'),
    column('radius', 'DOUBLE'),
    column('pLower', 'DOUBLE'),
    column('smoothedPrediction', 'INT32'),
  ]);
}
