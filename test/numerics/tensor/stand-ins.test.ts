/** Tensors that share the memory of one while a graph is recorded. */
import { beforeAll, describe, expect, it } from 'vitest';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { recordGraph } from '../../../stages/numerics/tensor/graph.ts';
import { type StandInBackend, withStandIns } from '../../../stages/numerics/tensor/stand-ins.ts';
import { tf } from '../../support/engine.ts';

const backend = () => tf.backend() as unknown as StandInBackend;
/** Large enough to be replaced. */
const SIDES = [128, 128];
const filled = (value: number, sides = SIDES) => tf.tidy(() => tf.add(tf.zeros(sides), value));

beforeAll(registerGradients);

describe('stand-ins', () => {
  it('take the place of later tensors of a shape, and nothing of them stays', () => {
    const before = tf.memory().numTensors;
    const kept = filled(7);
    const found = withStandIns(backend(), (replace) =>
      tf.tidy(() => {
        const tensors = [filled(1), filled(2), filled(3, [256, 128]), filled(4)];
        for (const x of tensors) replace(x);
        tensors[3]!.dispose();
        return tensors.slice(0, 3).map((x) => x.dataSync()[5]);
      }),
    );
    expect(found).toEqual([1, 1, 3]);
    expect(kept.dataSync()[5]).toBe(7);
    kept.dispose();
    expect(tf.memory().numTensors).toBe(before);
    // What was shared can be made and read again.
    expect(tf.tidy(() => filled(9).dataSync()[5])).toBe(9);
  });

  it('leave small tensors and whole numbers as they are', () => {
    const found = withStandIns(backend(), (replace) =>
      tf.tidy(() => {
        const tensors = [1, 2].flatMap((value) => [filled(value, [4, 4]), tf.cast(filled(value), 'int32')]);
        for (const x of tensors) replace(x);
        return tensors.map((x) => x.dataSync()[0]);
      }),
    );
    expect(found).toEqual([1, 1, 2, 2]);
  });

  it('leave the inputs of a graph, its constants and its results right', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const [x, weight] = [filled(2), filled(3)];
      const f = (at: tf.Tensor) =>
        tf.add(
          tf.tidy(() => tf.mul(tf.square(at), weight)),
          tf.gather(at, tf.cast(tf.slice(tf.reshape(at, [-1]), 0, 128), 'int32')),
        );
      const graph = recordGraph(f, [x]);
      expect(x.dataSync()[0]).toBe(2);
      expect(weight.dataSync()[0]).toBe(3);
      expect(graph.run(x).dataSync()[0]).toBe(14);
      graph.dispose();
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});
