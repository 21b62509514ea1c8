/** A score model to import: what the options say, over what the file says of itself, or its tensors tell. */
import { numberedClasses } from '../../../schemas/dataset.ts';
import type { PipelineError } from '../../../schemas/errors.ts';
import { SCORE_MODEL_VERSION, type ScoreModelDescription, scoreModelSchema } from '../../../schemas/model.ts';
import { scoreNetworkSchema } from '../../../schemas/network-config.ts';
import { preconditioningSchema } from '../../../schemas/preconditioning.ts';
import { scoreParts } from '../../../stages/numerics/networks/stored-model.ts';
import { describesScoreModel, parseModelDescription } from '../../../store/model-files.ts';
import { deduceEdm } from './deduce-edm.ts';
import type { Described, DescribeOptions } from './described.ts';
import { EXPORTED } from './export.ts';
import { type NetworkText, parseNetwork, readNetworkText } from './network-option.ts';
import { usage } from './option-file.ts';
import { parseClasses, parseScale, parseShape } from './options.ts';
import type { WeightsFile } from './weights-file.ts';

/** Kinds of networks that classifiers have too. */
const SHARED_KINDS = ['mlp'];

/** Whether it is a score model that is to be imported. */
export function isScoreImport(
  { metadata, tensors }: WeightsFile,
  options: DescribeOptions,
  given: NetworkText | undefined,
): boolean {
  if (options.preconditioning !== undefined) return true;
  const kinds: readonly unknown[] = scoreNetworkSchema.options.map(({ shape }) => shape.kind.value);
  const { kind } = given?.section ?? {};
  if (given !== undefined && !SHARED_KINDS.includes(kind as string)) return kinds.includes(kind);
  const text = metadata[EXPORTED];
  return text === undefined ? given === undefined && deduceEdm(tensors) !== null : describesScoreModel(text);
}

type Known = Pick<ScoreModelDescription, 'network' | 'shape' | 'classNames'> &
  Partial<Pick<ScoreModelDescription, 'preconditioning' | 'scale'>> & { learnsVariance?: boolean };

export function describeScore(
  file: WeightsFile,
  options: DescribeOptions,
  given: NetworkText | undefined,
): Described {
  const { shape, classes, mean, std, preconditioning, scale } = options;
  if (mean !== undefined || std !== undefined) {
    throw usage(
      `Expected --scale for a score model, found --${mean === undefined ? 'std' : 'mean'}; give FACTOR,SHIFT (2,-1 for networks that see [-1, 1], the default).`,
    );
  }
  const known = knownOf(file);
  const missing = Object.entries({ network: given, shape, classes }).filter(
    ([, value]) => value === undefined,
  );
  if (known === null && missing.length > 0) {
    throw usage(
      `Expected --network, --shape and --classes, found no --${missing.map(([name]) => name).join(' and no --')}; only files of \`pipeline model export\` and networks published with EDM say them themselves.`,
    );
  }
  if (preconditioning === undefined && known?.learnsVariance) throw variance();
  const text = preconditioning ?? JSON.stringify(known?.preconditioning ?? { kind: 'edm', sigmaData: 0.5 });
  const described = {
    network: given === undefined ? known!.network : parseNetwork(given, scoreNetworkSchema),
    preconditioning: parseNetwork(readNetworkText('--preconditioning', text), preconditioningSchema),
    scale: scale === undefined ? (known?.scale ?? { factor: 2, shift: -1 }) : parseScale(scale),
    shape: shape === undefined ? known!.shape : parseShape(shape),
    classNames: classes === undefined ? known!.classNames : classes === '0' ? [] : parseClasses(classes),
  };
  return {
    kind: described.network.kind,
    ...scoreParts(described),
    complete: (parameters, provenance) => ({
      version: SCORE_MODEL_VERSION,
      ...described,
      parameters,
      provenance,
    }),
  };
}

/** What the file says of itself, or its tensors tell. */
function knownOf({ metadata, path, tensors }: WeightsFile): Known | null {
  const text = metadata[EXPORTED];
  if (text !== undefined && describesScoreModel(text))
    return parseModelDescription(text, scoreModelSchema, path);
  const deduced = deduceEdm(tensors);
  if (deduced === null) return null;
  const { network, shape, classes, learnsVariance } = deduced;
  const classNames = numberedClasses(classes);
  return { network: scoreNetworkSchema.parse(network), shape, classNames, learnsVariance };
}

function variance(): PipelineError {
  return usage(
    "Expected --preconditioning for a network whose output has twice the channels of its input, found none; it predicts the noise and a variance, as '{kind: ddpm, steps: 1000, schedule: cosine, noiseInput: step, learnsVariance: true}' says of the one published.",
  );
}
