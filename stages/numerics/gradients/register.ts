/**
 * Makes every op that networks and losses use differentiable to any order. Called once per process, after the
 * engine is registered and before anything is differentiated.
 */
import { registerArithmetic } from './arithmetic.ts';
import { registerBatchNorm } from './batch-norm.ts';
import { registerBroadcasting } from './broadcasting.ts';
import { registerComparisons } from './comparisons.ts';
import { registerConv2d } from './conv2d.ts';
import { registerDepthwiseConv2d } from './depthwise-conv2d.ts';
import { registerElu } from './elu.ts';
import { registerErf } from './erf.ts';
import { registerExponentials } from './exponentials.ts';
import { registerExtremes } from './extremes.ts';
import { registerGelu } from './gelu.ts';
import { registerGroupNorm } from './group-norm.ts';
import { registerLayerNorm } from './layer-norm.ts';
import { registerLogSoftmax } from './log-softmax.ts';
import { registerLogSumExp } from './log-sum-exp.ts';
import { registerMatMul } from './mat-mul.ts';
import { registerPools } from './pools.ts';
import { registerPow } from './pow.ts';
import { registerRectifiers } from './rectifiers.ts';
import { registerResize } from './resize.ts';
import { registerSelect } from './select.ts';
import { registerSigmoid } from './sigmoid.ts';
import { registerSilu } from './silu.ts';
import { registerSoftmax } from './softmax.ts';
import { registerSquaredDifference } from './squared-difference.ts';
import { registerStopGradient } from './stop-gradient.ts';

const registrations = [
  registerArithmetic,
  registerExponentials,
  registerSigmoid,
  registerElu,
  registerErf,
  registerSilu,
  registerGelu,
  registerRectifiers,
  registerPow,
  registerSquaredDifference,
  registerSoftmax,
  registerLogSoftmax,
  registerLogSumExp,
  registerExtremes,
  registerSelect,
  registerComparisons,
  registerBroadcasting,
  registerMatMul,
  registerConv2d,
  registerDepthwiseConv2d,
  registerPools,
  registerResize,
  registerBatchNorm,
  registerGroupNorm,
  registerLayerNorm,
  registerStopGradient,
];

let registered = false;

/** Registers all gradients of this folder; a second call does nothing. */
export function registerGradients(): void {
  if (registered) return;
  for (const register of registrations) register();
  registered = true;
}
