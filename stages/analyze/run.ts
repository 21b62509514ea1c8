/** Gathers the pictures and figures of one classifier. */
import { join } from 'node:path';
import type { Analysis } from '../../schemas/results.ts';
import type { StageContext } from '../../schemas/stage.ts';
import { writeFileAtomic } from '../../store/atomic-file.ts';
import { readDataset } from '../../store/dataset-artifact.ts';
import { openGradientReader } from '../../store/shards/gradient-reader.ts';
import { writeTensors } from '../../store/tensor-file.ts';
import { registerGradients } from '../numerics/gradients/register.ts';
import { loadClassifier } from '../numerics/networks/trained-classifier.ts';
import { inputOf } from '../numerics/running.ts';
import { alignmentScore, scoreAgreement } from './alignment.ts';
import { pictures } from './pictures.ts';
import { plane } from './plane.ts';

export async function runAnalyze(context: StageContext): Promise<void> {
  registerGradients();
  const { config } = context;
  const dataset = await readDataset(inputOf(context, 'dataset').directory);
  const logitsOf = await loadClassifier(inputOf(context, 'train').directory);
  const aligned = config.train.method === 'pag';
  const reader = aligned ? await openGradientReader(inputOf(context, 'precompute').directory) : null;
  try {
    const isToy = config.dataset.name === 'toy';
    const learned = isToy && config.precompute.method === 'sbg' && config.score.kind !== 'analytic';
    const seen = isToy
      ? await plane(dataset, logitsOf, reader, config.analyze.boundaryCells)
      : await pictures(dataset, logitsOf, reader, config.analyze);
    const analysis: Analysis = {
      alignment:
        reader === null
          ? null
          : await alignmentScore(dataset, logitsOf, reader, config.analyze.alignmentImages),
      scoreAgreement: reader !== null && learned ? await scoreAgreement(dataset, reader, config) : null,
      pictures:
        'labels' in seen
          ? { labels: seen.labels, eps: config.analyze.pictureEps, targetImages: 'train' }
          : null,
      plane: 'plane' in seen ? seen.plane : null,
    };
    await writeTensors(join(context.directory, 'arrays.safetensors'), seen.arrays);
    await writeFileAtomic(join(context.directory, 'analysis.json'), `${JSON.stringify(analysis, null, 2)}\n`);
  } finally {
    await reader?.close();
  }
}
