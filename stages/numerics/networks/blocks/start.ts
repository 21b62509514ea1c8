/** How the weight and the bias of convolutions and dense layers start. */
import type { Initializer } from '../../tensor/parameters.ts';

export interface Start {
  weight: Initializer;
  bias: Initializer;
}

const zero: Initializer = { kind: 'uniform', bound: 0 };

/** PyTorch's default: both uniform in ±1/√fanIn, which is what `kaiming_uniform_(weight, a=√5)` comes to. */
export function torchStart(fanIn: number): Start {
  const initializer: Initializer = { kind: 'uniform', bound: 1 / Math.sqrt(fanIn) };
  return { weight: initializer, bias: initializer };
}

/** `kaiming_normal_(weight, mode='fan_out', nonlinearity='relu')` of ResNets (He et al. 2015), biases 0. */
export function fanOutStart(kernel: number, outputs: number): Start {
  const deviation = Math.sqrt(2 / (kernel * kernel * outputs));
  return { weight: { kind: 'normal', deviation }, bias: zero };
}

/** `xavier_uniform_(weight)`, times the gain (Glorot and Bengio 2010), biases 0. */
export function xavierStart(fanIn: number, fanOut: number, gain = 1): Start {
  return { weight: { kind: 'uniform', bound: gain * Math.sqrt(6 / (fanIn + fanOut)) }, bias: zero };
}

/** 0, but drawn as other starts are, so that the layers after it start the same whatever this one does. */
export const ZERO_START: Start = { weight: zero, bias: zero };
