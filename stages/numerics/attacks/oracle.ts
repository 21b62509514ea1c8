/** The classifier as attacks ask it: many points at a time, answered with logits and, if wanted, a loss and its gradient. */
import { sizeOf } from '../../../schemas/shape.ts';
import { offTheTape, sharedLossGradients } from '../gradients/loss-gradients.ts';
import { type Graph, recordGraph } from '../tensor/graph.ts';
import { tf } from '../tensor/tf.ts';
import { valuesOf } from '../tensor/values.ts';
import type { Answer, LossName, Query } from './attack.ts';
import { losses } from './losses.ts';

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

/** Graphs kept at a time; each holds a copy of the weights. */
const MOST_GRAPHS = 8;

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
  const graphs = new Map<string, Graph>();
  const answer = (batch: readonly Question[], rows: number, run: Evaluation) =>
    answerBatch(batch, rows, { shape, classes }, run);
  const byGraph = (part: readonly Question[]) => {
    const { loss } = part[0]!.query;
    const rows = rowsFor(part.length);
    return answer(
      part,
      rows,
      (...inputs) =>
        graphFor(graphs, `${loss}/${rows}`, evaluationOf(logitsOf, loss), inputs).run(
          ...inputs,
        ) as tf.Tensor2D,
    );
  };
  const directly = (questions: readonly Question[]) =>
    answer(questions, questions.length, evaluationOf(logitsOf, questions[0]!.query.loss));
  return {
    shape,
    classes,
    ask(questions) {
      if (questions.length === 0) return [];
      return changes ? directly(questions) : parts(questions).flatMap(byGraph);
    },
    dispose() {
      for (const graph of graphs.values()) graph.dispose();
      graphs.clear();
    },
  };
}

const rowsFor = (count: number) => Math.ceil(count / ROWS) * ROWS;

/** Splits into batches of 16 · 2ᵏ rows, so that few graphs serve all sizes; only the last one has rows to spare. */
function parts(questions: readonly Question[]): (readonly Question[])[] {
  const result: (readonly Question[])[] = [];
  for (let first = 0; first < questions.length; ) {
    const left = questions.length - first;
    const rows = left < ROWS ? ROWS : ROWS * 2 ** Math.floor(Math.log2(left / ROWS));
    result.push(questions.slice(first, first + rows));
    first += rows;
  }
  return result;
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

function graphFor(
  graphs: Map<string, Graph>,
  key: string,
  evaluation: Evaluation,
  inputs: [tf.Tensor, tf.Tensor, tf.Tensor],
): Graph {
  const known = graphs.get(key);
  const graph = known ?? recordGraph((x, label, target) => evaluation(x!, label!, target!), inputs);
  // The last of a map is the one that was used last.
  graphs.delete(key);
  graphs.set(key, graph);
  const [oldest] = graphs.keys();
  if (graphs.size > MOST_GRAPHS) {
    graphs.get(oldest!)!.dispose();
    graphs.delete(oldest!);
  }
  return graph;
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
