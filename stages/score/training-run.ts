/** A training under way: its state, its notes, and how both come from and go to a checkpoint. */
import type { StageContext } from '../../schemas/stage.ts';
import { readCheckpoint, writeCheckpoint } from '../../store/checkpoints.ts';
import { initializeParameters } from '../numerics/tensor/parameters.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import { tf } from '../numerics/tensor/tf.ts';
import type { HeldOutLoss } from './held-out-loss.ts';
import type { ScoreSetting } from './setting.ts';
import type { ScoreState } from './trainer.ts';

/** What is told of the training so far. */
export type Notes = {
  rows: { step: number; loss: number; wallTimeSec: number }[];
  /** Of the losses since the last row. */
  sum: number;
  heldOut: ({ step: number; wallTimeSec: number } & HeldOutLoss)[];
  /** Step after which the model was last looked at: loss of held-out images, sample sheet. */
  looked: number;
};

export interface ScoreRun {
  context: StageContext;
  setting: ScoreSetting;
  /** Steps done. */
  step: number;
  state: ScoreState;
  notes: Notes;
}

export async function beginRun(context: StageContext, setting: ScoreSetting): Promise<ScoreRun> {
  const saved = await readCheckpoint<Notes>(context.directory);
  if (saved !== null) {
    context.note(`resuming at step ${saved.step} of ${setting.config.steps}`);
    const { values, first, second, average } = saved.vectors;
    const state = {
      values: tf.tensor1d(values!),
      slots: [tf.tensor1d(first!), tf.tensor1d(second!)],
      average: tf.tensor1d(average!),
    };
    return { context, setting, step: saved.step, state, notes: saved.notes };
  }
  const { network, config } = setting;
  const fresh = initializeParameters(network.parameters, randomStream(config.seed ?? 0, 'score-init'));
  const zeros = () => tf.zeros([fresh.length]) as tf.Tensor1D;
  const state = { values: tf.tensor1d(fresh), slots: [zeros(), zeros()], average: tf.tensor1d(fresh) };
  return { context, setting, step: 0, state, notes: { rows: [], sum: 0, heldOut: [], looked: 0 } };
}

export async function saveRun({ context, step, state, notes }: ScoreRun): Promise<void> {
  const vector = (tensor: tf.Tensor) => tensor.dataSync() as Float32Array;
  const [first, second] = state.slots;
  await writeCheckpoint(context.directory, {
    step,
    vectors: {
      values: vector(state.values),
      first: vector(first!),
      second: vector(second!),
      average: vector(state.average),
    },
    notes,
  });
}
