/** The training methods by name. */
import type { TrainConfig } from '../../../schemas/train-config.ts';
import type { MethodName } from '../../../schemas/train-methods.ts';
import { fgsmAdversarial } from './fgsm-adversarial.ts';
import { gaussianNoise } from './gaussian-noise.ts';
import { gradientNorm } from './gradient-norm.ts';
import type { TrainingMethod } from './method.ts';
import { pag } from './pag.ts';
import { pgdAdversarial } from './pgd-adversarial.ts';
import { randomizedSmoothing } from './randomized-smoothing.ts';
import { smoothness } from './smoothness.ts';
import { vanilla } from './vanilla.ts';

const methods: Record<MethodName, (config: TrainConfig) => TrainingMethod> = {
  vanilla,
  pag,
  'pgd-adversarial': pgdAdversarial,
  'fgsm-adversarial': fgsmAdversarial,
  'gaussian-noise': gaussianNoise,
  'randomized-smoothing': randomizedSmoothing,
  'gradient-norm': gradientNorm,
  smoothness,
};

/** The method of a configuration. */
export function makeMethod(config: TrainConfig): TrainingMethod {
  return methods[config.method](config);
}
