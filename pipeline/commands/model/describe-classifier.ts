/** A classifier to import: what the options say, over what an exported file says of itself. */

import { type ClassifierModel, classifierModelSchema, MODEL_VERSION } from '../../../schemas/model.ts';
import { classifierSchema } from '../../../schemas/network-config.ts';
import { classifierParts } from '../../../stages/numerics/networks/stored-model.ts';
import { parseModelDescription } from '../../../store/model-files.ts';
import type { Described, DescribeOptions } from './described.ts';
import { EXPORTED } from './export.ts';
import { type NetworkText, parseNetwork } from './network-option.ts';
import { usage } from './option-file.ts';
import { parseClasses, parseNormalization, parseShape } from './options.ts';
import type { WeightsFile } from './weights-file.ts';

/** @param given `--network`, where it was given */
export function describeClassifier(
  { path, metadata }: WeightsFile,
  options: DescribeOptions,
  given: NetworkText | undefined,
): Described {
  const { network, shape, classes, mean, std } = options;
  const text = metadata[EXPORTED];
  const stored = text === undefined ? null : parseModelDescription(text, classifierModelSchema, path);
  const missing = Object.entries({ network, shape, classes }).filter(([, value]) => value === undefined);
  if (stored === null && missing.length > 0) {
    throw usage(
      `Expected --network, --shape and --classes, found no --${missing.map(([name]) => name).join(' and no --')}; only files of \`pipeline model export\` say them themselves.`,
    );
  }
  const idle = Object.entries({ scale: options.scale }).find(([, value]) => value !== undefined);
  if (idle !== undefined) {
    throw usage(
      `Expected --${idle[0]} with a score model alone, found it with a classifier; it takes --mean and --std.`,
    );
  }
  const sides = shape === undefined ? stored!.shape : parseShape(shape);
  const described: Omit<ClassifierModel, 'version' | 'parameters' | 'provenance'> = {
    network: given === undefined ? stored!.network : parseNetwork(given, classifierSchema),
    normalization: parseNormalization(mean, std, sides.at(-1)!) ??
      stored?.normalization ?? { mean: 0, std: 1 },
    shape: sides,
    classNames: classes === undefined ? stored!.classNames : parseClasses(classes),
  };
  return {
    kind: described.network.kind,
    ...classifierParts(described),
    complete: (parameters, provenance) => ({ version: MODEL_VERSION, ...described, parameters, provenance }),
  };
}
