/**
 * Projected gradient descent (Madry et al. 2018, section 2.1): steps of fixed length along the steepest direction,
 * each followed by a projection onto the ball and the box.
 *
 * L∞: x ← clip(x₀ + clamp(x + α·sign(∇) − x₀, ±ε)); L2: the step is α·∇/‖∇‖ and the ball is projected radially.
 */
import { sizeOf } from '../../../schemas/shape.ts';
import { tf } from '../tensor/tf.ts';
import type { Attack, AttackedBatch, AttackOptions, LogitsOf } from './tensor-attack.ts';
import { attackGradient, hasSucceeded } from './tensor-losses.ts';
import { randomPerturbation } from './tensor-norms.ts';

/** The point of the ball around `origin`, and of the box, that a step from `x` leads to. */
export function takeStep(
  x: tf.Tensor,
  origin: tf.Tensor,
  gradient: tf.Tensor,
  options: AttackOptions,
): tf.Tensor {
  const moved = tf.add(x, tf.mul(options.norm.steepest(gradient), options.stepSize));
  return intoBox(tf.add(origin, options.norm.project(tf.sub(moved, origin), options.eps)), options.box);
}

/** x clipped to the box, where there is one. */
export function intoBox(x: tf.Tensor, box: AttackOptions['box']): tf.Tensor {
  return box === null ? x : tf.clipByValue(x, box[0], box[1]);
}

/** Images still on their way, and where the finished ones are collected. */
interface Climb {
  /** Current iterates and the images they started from, [active, ...shape]. */
  current: tf.Tensor;
  origin: tf.Tensor;
  classes: Uint16Array;
  /** Position of each in the batch. */
  positions: Uint32Array;
}

function start(batch: AttackedBatch, options: AttackOptions): Climb {
  const current = tf.tidy(() => {
    if (!options.randomStart) return tf.clone(batch.x);
    const offset = randomPerturbation(options.norm, batch.x.shape, options.eps, options.randomOf);
    return intoBox(tf.add(batch.x, offset), options.box);
  });
  const positions = Uint32Array.from(batch.classes.keys());
  return { current, origin: tf.clone(batch.x), classes: batch.classes, positions };
}

/** Copies the iterates at `rows` to their places in the batch. */
function collect({ current, positions }: Climb, rows: number[], out: Float32Array): void {
  const size = sizeOf(current.shape.slice(1));
  const values = current.dataSync();
  for (const row of rows) out.set(values.subarray(row * size, (row + 1) * size), positions[row]! * size);
}

/** The climb with only the images at `rows`; disposes the old tensors. */
function keepRows(climb: Climb, rows: number[]): Climb {
  const chosen = tf.tidy(() => {
    const indices = tf.tensor1d(rows, 'int32');
    return { current: tf.gather(climb.current, indices), origin: tf.gather(climb.origin, indices) };
  });
  tf.dispose([climb.current, climb.origin]);
  return {
    ...chosen,
    classes: Uint16Array.from(rows, (row) => climb.classes[row]!),
    positions: Uint32Array.from(rows, (row) => climb.positions[row]!),
  };
}

/** One step for every image that has not arrived; those that have are collected and leave the batch. */
function advance(
  logitsOf: LogitsOf,
  climb: Climb,
  targeted: boolean,
  options: AttackOptions,
  out: Float32Array,
): Climb {
  const { logits, gradient } = attackGradient(logitsOf, climb.current, { classes: climb.classes, targeted });
  const moved = tf.tidy(() => takeStep(climb.current, climb.origin, gradient, options));
  const done = hasSucceeded(logits, { classes: climb.classes, targeted });
  tf.dispose([logits, gradient]);
  const rows = [...done.keys()];
  const arrived = options.keepClimbing ? [] : rows.filter((row) => done[row]);
  if (arrived.length > 0) collect(climb, arrived, out);
  climb.current.dispose();
  const next = { ...climb, current: moved };
  return arrived.length === 0
    ? next
    : keepRows(
        next,
        rows.filter((row) => !done[row]),
      );
}

export const pgd: Attack = (logitsOf, batch, options) => {
  const out = new Float32Array(batch.x.size);
  let climb = start(batch, options);
  for (let step = 0; step < options.steps && climb.positions.length > 0; step++) {
    climb = advance(logitsOf, climb, batch.targeted, options, out);
  }
  collect(climb, [...climb.positions.keys()], out);
  tf.dispose([climb.current, climb.origin]);
  return tf.tensor(out, batch.x.shape);
};
