/** Learning rate and λ as functions of the progress in epochs (a fraction counts the steps within one). */
import type { LearningRateSchedule, TrainConfig } from '../../../schemas/train-config.ts';

/** Factor on the configured learning rate after `epoch` of `epochs` epochs. */
export function learningRateFactor(schedule: LearningRateSchedule, epoch: number, epochs: number): number {
  switch (schedule.kind) {
    case 'constant':
      return 1;
    case 'steps':
      return schedule.factor ** schedule.epochs.filter((boundary) => epoch >= boundary).length;
    case 'cosine': {
      const { warmupEpochs } = schedule;
      if (epoch < warmupEpochs) return epoch / warmupEpochs;
      // Half a cosine from 1 to 0 (Loshchilov and Hutter 2017, eq. 5, without restarts).
      const rest = Math.max(epochs - warmupEpochs, Number.MIN_VALUE);
      return 0.5 * (1 + Math.cos((Math.PI * (epoch - warmupEpochs)) / rest));
    }
  }
}

/** λ after `epoch` epochs. */
export function lambdaAt(train: Pick<TrainConfig, 'lambda' | 'lambdaSchedule'>, epoch: number): number {
  const { lambda, lambdaSchedule } = train;
  switch (lambdaSchedule.kind) {
    case 'constant':
      return lambda;
    case 'warmup':
      return lambda * Math.min(1, epoch / lambdaSchedule.epochs);
    case 'two-phase': {
      const { zeroEpochs, rampEpochs } = lambdaSchedule;
      if (epoch < zeroEpochs) return 0;
      return rampEpochs === 0 ? lambda : lambda * Math.min(1, (epoch - zeroEpochs) / rampEpochs);
    }
  }
}
