/** A model folder of either kind, a classifier or a score model, with its weights as they lie on disk. Needs no engine. */
import {
  type ClassifierModel,
  type ScoreModelDescription,
  scoreModelSchema,
} from '../../../schemas/model.ts';
import {
  isScoreModel,
  type ModelWeights,
  readModelDescription,
  readModelWeights,
} from '../../../store/model-files.ts';
import type { ParameterSpec } from '../tensor/parameters.ts';
import type { DerivedTensor, ScoreNetwork } from './network.ts';
import { makeScoreNetwork } from './registry.ts';
import { networkOf, readClassifier } from './trained-classifier.ts';

/** What a description asks for. */
export interface ModelParts {
  /** Trained values, and in a classifier running statistics behind them. */
  layout: ParameterSpec[];
  trained: ParameterSpec[];
  /** What a file for PyTorch holds besides. */
  derived: DerivedTensor[];
}

export interface StoredModel extends ModelParts {
  model: ClassifierModel | ScoreModelDescription;
  weights: Required<ModelWeights>;
}

export function classifierParts(model: Parameters<typeof networkOf>[0]): ModelParts {
  const { network, layout } = networkOf(model);
  return { layout, trained: network.parameters, derived: [] };
}

export function scoreParts({
  network,
  shape,
  classNames,
  preconditioning,
}: Pick<ScoreModelDescription, 'network' | 'shape' | 'classNames' | 'preconditioning'>): ModelParts {
  const made: ScoreNetwork = makeScoreNetwork(
    network,
    shape,
    classNames.length,
    preconditioning.kind === 'ddpm' && preconditioning.learnsVariance,
  );
  return { layout: made.parameters, trained: made.parameters, derived: made.derived ?? [] };
}

/** Throws what {@link readModelDescription} and {@link readModelWeights} throw. */
export async function readStoredModel(directory: string): Promise<StoredModel> {
  if (!(await isScoreModel(directory))) {
    const { model, layout, network, weights } = await readClassifier(directory);
    return { model, layout, weights, trained: network.parameters, derived: [] };
  }
  const model = await readModelDescription(directory, scoreModelSchema);
  const parts = scoreParts(model);
  return { model, ...parts, weights: await readModelWeights(directory, parts.layout) };
}
