/** The classifier as attacks ask it: many points at a time, answered with logits and, if wanted, a loss and its gradient. */
import { sizeOf } from '../../../schemas/shape.ts';
import { offTheTape, sharedLossGradients } from '../gradients/loss-gradients.ts';
import { tf } from '../tensor/tf.ts';
import { valuesOf } from '../tensor/values.ts';
import type { Answer, LossName, Query } from './attack.ts';
import { losses } from './losses.ts';
import { SizedGraphs } from './sized-graphs.ts';

/** A classifier: x [batch, ...shape] -> logits [batch, classes], differentiable. */
export type LogitsOf = (x: tf.Tensor) => tf.Tensor2D;

/** A query and the true class of its image. */
export interface Question {
  query: Query;
  label: number;
}

export interface Oracle {
  /** Shape of one input. */
  shape: readonly number[];
  classes: number;
  /** Answers questions that all ask for the same loss; each answer is the same in whatever company it is asked for. */
  ask(questions: readonly Question[]): Answer[];
  /** Gives its memory back. */
  dispose(): void;
}

/**
 * The engine calculates a row in the same way in every batch of so many rows or of multiples of it, but may not in others.
 */
const ROWS = 16;

/** [rows, classes + 1 + size] (logits, loss, gradient), or [rows, classes] without a loss. */
type Evaluation = (x: tf.Tensor, label: tf.Tensor, target: tf.Tensor) => tf.Tensor2D;

/**
 * @param classes number of logits
 * @param changes whether the classifier's weights change between calls, as in training: nothing is recorded then, and
 *   each call is one batch of its own size
 */
export function makeOracle(
  logitsOf: LogitsOf,
  shape: readonly number[],
  classes: number,
  { changes = false } = {},
): Oracle {
  const graphs = new SizedGraphs();
  const answer = (questions: readonly Question[], rows: number, run: Evaluation) =>
    answerBatch(questions, rows, { shape, classes }, run);
  const directly = (questions: readonly Question[]) =>
    answer(questions, questions.length, evaluationOf(logitsOf, questions[0]!.query.loss));
  const byGraph = (questions: readonly Question[]) => {
    const { loss } = questions[0]!.query;
    const needed = Math.ceil(questions.length / ROWS) * ROWS;
    const evaluation = evaluationOf(logitsOf, loss);
    const evaluate = (...inputs: tf.Tensor[]) => evaluation(inputs[0]!, inputs[1]!, inputs[2]!);
    const run: Evaluation = (...inputs) => graphs.run(`${loss}`, needed, evaluate, inputs) as tf.Tensor2D;
    return answer(questions, graphs.rowsFor(`${loss}`, needed), run);
  };
  return {
    shape,
    classes,
    ask(questions) {
      if (questions.length === 0) return [];
      return changes ? directly(questions) : byGraph(questions);
    },
    dispose: () => graphs.dispose(),
  };
}

function evaluationOf(logitsOf: LogitsOf, loss: LossName | null): Evaluation {
  if (loss === null) return (x) => logitsOf(x);
  return (x, label, target) => {
    // Kept over the ends of inner scopes, and given back below.
    const kept: tf.Tensor[] = [];
    const { gradients } = sharedLossGradients(
      () => logitsOf(x),
      [
        (logits) => {
          const climbed = offTheTape(() => losses[loss](logits, label as tf.Tensor2D, target as tf.Tensor2D));
          kept.push(tf.keep(tf.clone(logits)), tf.keep(climbed.loss));
          // Its derivative by the logits is that of the loss.
          return tf.sum(tf.mul(logits, climbed.gradient));
        },
      ],
      [x],
    );
    const [logits, each] = kept as [tf.Tensor, tf.Tensor];
    const gradient = tf.reshape(gradients[0]!, [x.shape[0]!, -1]);
    const row = tf.concat([logits, tf.reshape(each, [-1, 1]), gradient], 1);
    tf.dispose(kept);
    return row as tf.Tensor2D;
  };
}

/** @param rows at least as many as there are questions */
function answerBatch(
  batch: readonly Question[],
  rows: number,
  { shape, classes }: Pick<Oracle, 'shape' | 'classes'>,
  evaluate: Evaluation,
): Answer[] {
  const size = sizeOf(shape);
  const x = new Float32Array(rows * size);
  const label = new Float32Array(rows * classes);
  const target = new Float32Array(rows * classes);
  for (let i = 0; i < rows; i++) {
    // Rows to spare repeat the first question, so that they are as harmless as it is.
    const { query, label: truth } = batch[i < batch.length ? i : 0]!;
    x.set(query.x, i * size);
    label[i * classes + truth] = 1;
    if (query.target !== undefined) target[i * classes + query.target] = 1;
  }
  const values = valuesOf(() =>
    evaluate(
      tf.tensor(x, [rows, ...shape]),
      tf.tensor(label, [rows, classes]),
      tf.tensor(target, [rows, classes]),
    ),
  );
  const hasLoss = batch[0]!.query.loss !== null;
  const width = hasLoss ? classes + 1 + size : classes;
  return batch.map((_, i) => {
    const row = values.subarray(i * width, (i + 1) * width);
    const logits = row.subarray(0, classes);
    return {
      logits,
      loss: hasLoss ? row[classes]! : Number.NaN,
      gradient: row.subarray(hasLoss ? classes + 1 : classes),
    };
  });
}
