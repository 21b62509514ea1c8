/**
 * The precision in which the engine multiplies. With `bfloat16`, oneDNN rounds the factors of convolutions and matrix
 * products to bfloat16 (8 bits of mantissa) and adds up in float32; everything else, and every tensor, stays float32.
 */
import { PipelineError } from '../../schemas/errors.ts';
import type { Precision } from '../../schemas/setting-types.ts';
import type { CpuInfo } from './cpu.ts';

/**
 * The instructions with which oneDNN multiplies float32 tensors in bfloat16. With `avx512_bf16` alone it takes its float32
 * kernels, whatever the mode (3.7, which TensorFlow 2.21 has within).
 */
const BFLOAT16_FEATURE = 'amx_bf16';

/** Whether the processor multiplies in bfloat16 itself; without that it would be slower, not faster. */
export function hasBfloat16({ features }: Pick<CpuInfo, 'features'>): boolean {
  return features.includes(BFLOAT16_FEATURE);
}

/**
 * @param flavour value of PAG_ENGINE
 * @throws PipelineError `ENGINE_WRONG` where this machine cannot work in that precision
 */
export function requirePrecision(
  precision: Precision,
  { model, features }: Pick<CpuInfo, 'model' | 'features'>,
  flavour: string | undefined,
): void {
  if (precision === 'float32') return;
  if (flavour === 'cuda') {
    throw new PipelineError(
      'ENGINE_WRONG',
      'Expected PAG_ENGINE to be unset, as train.precision or precompute.precision is bfloat16, which only the processor offers here, got `cuda`; set it to float32, or unset PAG_ENGINE.',
    );
  }
  if (hasBfloat16({ features })) return;
  throw new PipelineError(
    'ENGINE_WRONG',
    `Expected a processor that multiplies in bfloat16 (${BFLOAT16_FEATURE}), as train.precision or precompute.precision asks, found ${model} with ${features.join(' ') || 'no vector instructions'}; set it to float32.`,
  );
}

/**
 * Sets what oneDNN and TensorFlow read when the library is loaded. `float32` is set as well, so that a setting of the
 * user's shell does not change results without a word.
 */
export function setPrecision(precision: Precision, environment: NodeJS.ProcessEnv): void {
  // TensorFlow's own variable has the same effect on its convolutions and matrix products; one of the two is enough.
  delete environment.TF_SET_ONEDNN_FPMATH_MODE;
  environment.ONEDNN_DEFAULT_FPMATH_MODE = precision === 'bfloat16' ? 'BF16' : 'STRICT';
  if (precision === 'bfloat16') environment.TF_ENABLE_ONEDNN_OPTS = '1';
}

/** @throws PipelineError `ENGINE_WRONG` where the engine calculates in another precision than was asked for */
export function requireMeasured(wanted: Precision, measured: Precision): void {
  if (wanted === measured) return;
  throw new PipelineError(
    'ENGINE_WRONG',
    `Expected TensorFlow to multiply in ${wanted}, found that it does so in ${measured}; unset every environment variable that begins with ONEDNN_ or DNNL_, and TF_ENABLE_ONEDNN_OPTS.`,
  );
}
