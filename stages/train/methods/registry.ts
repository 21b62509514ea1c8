/** The training methods by name. */
import type { TrainConfig } from '../../../schemas/train-config.ts';
import type { TrainingMethod } from './method.ts';
import { pag } from './pag.ts';
import { vanilla } from './vanilla.ts';

const methods: Record<TrainConfig['method'], (config: TrainConfig) => TrainingMethod> = { vanilla, pag };

/** The method of a configuration. */
export function makeMethod(config: TrainConfig): TrainingMethod {
  return methods[config.method](config);
}
