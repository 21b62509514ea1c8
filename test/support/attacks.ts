/** Attacks in tests: a run to its end, and a small classifier to attack. */
import type { Attack } from '../../stages/numerics/attacks/attack.ts';
import { makeOracle, type Oracle } from '../../stages/numerics/attacks/oracle.ts';
import {
  AttackRun,
  type ProblemOf,
  type Result,
  type RunOptions,
} from '../../stages/numerics/attacks/run-attacks.ts';
import { randomStream } from '../../stages/numerics/tensor/random.ts';
import { tf } from './engine.ts';

/** No attack of a test asks so often; one that never ends fails instead of hanging. */
const MOST_STEPS = 100_000;

/** One result for each image. */
export function runToEnd(
  images: number,
  attempts: readonly Attack[],
  oracle: Oracle,
  problemOf: ProblemOf,
  options: RunOptions = { batchSize: 32 },
): Result[] {
  const run = new AttackRun(images, attempts, oracle, problemOf, options);
  for (let step = 0; run.step(); step++) {
    if (step === MOST_STEPS) throw new Error(`the attack has not ended after ${MOST_STEPS} batches`);
  }
  return run.results();
}

export const SHAPE = [4, 4, 2];
export const SIZE = 32;

/** Images in [0, 1], [count × size]. */
export function someImages(count: number): Float32Array {
  const random = randomStream('images of the tests');
  return Float32Array.from({ length: count * SIZE }, () => random.uniform());
}

/** tanh((x − ½) V) W on images of {@link SHAPE}: smooth, with weights that depend on the number of classes alone. */
export function smoothClassifier(classes: number): Oracle {
  const hidden = 12;
  const random = randomStream('weights of the tests');
  const draw = (rows: number, columns: number, scale: number) =>
    tf.keep(
      tf.tensor2d(
        Float32Array.from({ length: rows * columns }, () => scale * random.normal()),
        [rows, columns],
      ),
    );
  const [first, second] = [draw(SIZE, hidden, 0.5), draw(hidden, classes, 1)];
  return makeOracle(
    (x) => {
      const middle = tf.sub(tf.reshape(x, [-1, SIZE]), 0.5);
      return tf.matMul(tf.tanh(tf.matMul(middle, first) as tf.Tensor2D), second) as tf.Tensor2D;
    },
    SHAPE,
    classes,
  );
}

/** Logits of each image, asked for alone. */
export function logitsAt(oracle: Oracle, images: readonly Float32Array[]): Float32Array[] {
  return oracle.ask(images.map((x) => ({ query: { x, loss: null }, label: 0 }))).map(({ logits }) => logits);
}
