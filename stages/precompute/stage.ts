/** Precompute: target gradients g(x, y) of every training image towards classes, into a sharded store. */
import type { ExperimentConfig } from '../../schemas/config.ts';
import { type PrecomputeConfig, sigmasOf, targetsOf } from '../../schemas/precompute-config.ts';
import { type StageDefinition, toJson } from '../../schemas/stage.ts';

export const precomputeStage: StageDefinition = {
  name: 'precompute',
  codeVersion: 8,
  scope: 'variant',
  inputs: ({ precompute }) =>
    precompute.method === 'sbg' && precompute.conditional === undefined ? ['dataset', 'score'] : ['dataset'],
  configPart: ({ precompute, dataset }) => {
    const { method, codec, shardImages } = precompute;
    const geometry = dataset.name === 'toy' && method === 'sbg' ? { geometry: dataset.geometry } : {};
    return toJson({
      method,
      codec,
      shardImages,
      ...geometry,
      ...methodPart(precompute),
      ...targetsPart(precompute),
    });
  },
  needsEngine: () => true,
  precision: ({ precompute }) => (precompute.method === 'sbg' ? precompute.precision : 'float32'),
  shared: true,
  load: async () => (await import('./run.ts')).runPrecompute,
};

/** The settings that the method reads; those that were added later only where they are not the default. */
function methodPart(precompute: ExperimentConfig['precompute']): object {
  const seed = precompute.seed ?? 0;
  switch (precompute.method) {
    case 'sbg':
      return { seed, ...scorePart(precompute) };
    case 'nearest-neighbor': {
      const { neighbors, features } = precompute;
      const space = features && { features: { fingerprint: features.fingerprint, layer: features.layer } };
      return { ...(neighbors > 1 && { neighbors }), ...space };
    }
    case 'one-image':
      return { seed };
    case 'class-mean':
      return {};
  }
}

function scorePart(precompute: PrecomputeConfig): object {
  const { draws, batchSize, combine, guidance, conditional, unconditional, precision } = precompute;
  const sigmas = sigmasOf(precompute);
  return {
    sigma: sigmas.length === 1 ? sigmas[0] : sigmas,
    ...(sigmas.length > 1 && { combine }),
    draws,
    batchSize,
    ...(guidance !== 'difference' && { guidance }),
    // What a model contains decides the result, not where it lies.
    conditional: conditional?.fingerprint,
    unconditional: unconditional?.fingerprint,
    ...(precision !== 'float32' && { precision }),
  };
}

function targetsPart(precompute: PrecomputeConfig): object {
  const targets = targetsOf(precompute);
  switch (targets.kind) {
    case 'all':
      return {};
    case 'all-but-true':
      return { targets };
    case 'random':
      return { targets, seed: precompute.seed ?? 0 };
    case 'top': {
      const by = targets.by === 'class-mean' ? targets.by : { fingerprint: targets.by.fingerprint };
      return { targets: { ...targets, by } };
    }
  }
}
