/** What a training step works on: the setting that stays, the state that changes, and what schedules say of a step. */
import type { TrainConfig } from '../../schemas/train-config.ts';
import type { Classifier } from '../numerics/networks/network.ts';
import type { Optimizer } from '../numerics/optimizers/optimizer.ts';
import type { tf } from '../numerics/tensor/tf.ts';
import type { TrainingMethod } from './methods/method.ts';

/** Flat vectors. */
export interface TrainState {
  /** [parameters] */
  values: tf.Tensor1D;
  /** Running statistics, [buffers]. */
  buffers: tf.Tensor1D;
  /** Of the optimiser, [parameters] each. */
  slots: tf.Tensor1D[];
  /** Running average, [parameters + buffers]; undefined where none is kept. */
  average: tf.Tensor1D | undefined;
}

/** What a step needs besides state and batch. */
export interface TrainSetting {
  network: Classifier;
  method: TrainingMethod;
  shape: readonly number[];
  classes: number;
  box: readonly [number, number] | null;
  config: TrainConfig;
  optimizer: Optimizer;
}

/** What changes from step to step by a schedule. */
export interface StepSchedule {
  lambda: number;
  learningRate: number;
  /** Counted from 1. */
  step: number;
}
