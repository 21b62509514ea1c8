/** The optimisers by name. */
import type { OptimizerConfig } from '../../../schemas/train-config.ts';
import { adam } from './adam.ts';
import type { Optimizer } from './optimizer.ts';
import { sgd } from './sgd.ts';

/** The optimiser of a configuration. */
export function makeOptimizer(config: OptimizerConfig): Optimizer {
  return config.kind === 'adam' ? adam(config) : sgd(config);
}
