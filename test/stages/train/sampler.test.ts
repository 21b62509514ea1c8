import { describe, expect, it } from 'vitest';
import { applyMove } from '../../../stages/train/augment.ts';
import { epochOrder, moveOf, slotsOf } from '../../../stages/train/sampler.ts';

describe('the order of training', () => {
  it('sees every image once an epoch, in another order each epoch and for each seed', () => {
    const trained = Uint32Array.from({ length: 100 }, (_, i) => 3 * i);
    const order = epochOrder(1, 0, trained);
    expect(order.slice().sort()).toEqual(trained);
    expect(epochOrder(1, 0, trained)).toEqual(order);
    expect(epochOrder(1, 1, trained)).not.toEqual(order);
    expect(epochOrder(2, 0, trained)).not.toEqual(order);
  });

  it('draws different target classes for an image, all equally often', () => {
    const hits = new Float64Array(10);
    for (let image = 0; image < 4000; image++) {
      const targets = slotsOf(0, 3, image, 10, 2);
      expect(new Set(targets).size).toBe(2);
      for (const target of targets) hits[target]! += 1;
    }
    // 800 expected each; five standard deviations of a binomial with p = 1/5.
    for (const count of hits) expect(Math.abs(count - 800)).toBeLessThan(5 * Math.sqrt(640));
    expect([...slotsOf(0, 0, 0, 4, 'all')]).toEqual([0, 1, 2, 3]);
    expect([...slotsOf(0, 0, 0, 3, 7)]).toEqual([0, 1, 2]);
  });

  it('moves each image of an epoch on its own, within the bounds, and not at all when switched off', () => {
    const moves = Array.from({ length: 500 }, (_, i) => moveOf(0, 1, i, { shift: 2, flip: true }));
    expect(new Set(moves.map((move) => `${move.down},${move.right},${move.mirrored}`)).size).toBe(50);
    expect(Math.max(...moves.map((move) => Math.abs(move.down)))).toBe(2);
    expect(moveOf(0, 1, 3, { shift: 0, flip: false })).toEqual({ down: 0, right: 0, mirrored: false });
  });
});

describe('applyMove', () => {
  const image = () => Float32Array.from({ length: 18 }, (_, i) => i + 1);

  it('shifts down and right with zeros coming in, and leaves neighbours in the buffer alone', () => {
    const values = new Float32Array(18 + 2).fill(-1);
    values.set(image(), 1);
    applyMove(values, 1, [3, 3, 2], { down: 1, right: 1, mirrored: false });
    expect([...values]).toEqual([-1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 7, 8, 9, 10, -1]);
  });

  it('mirrors left and right, channels in place', () => {
    const values = image();
    applyMove(values, 0, [3, 3, 2], { down: 0, right: 0, mirrored: true });
    expect([...values.subarray(0, 6)]).toEqual([5, 6, 3, 4, 1, 2]);
  });

  it('commutes with the derivative: the gradient of a moved image is the moved gradient', () => {
    // f(x) = Σ w (T x): its gradient by x is Tᵀ w, so moving w by the opposite move must give it.
    const weights = Float32Array.from({ length: 18 }, (_, i) => Math.sin(i));
    const move = { down: -1, right: 1, mirrored: false };
    const f = (x: Float32Array) => {
      applyMove(x, 0, [3, 3, 2], move);
      return x.reduce((sum, value, i) => sum + value * weights[i]!, 0);
    };
    const moved = weights.slice();
    applyMove(moved, 0, [3, 3, 2], { down: 1, right: -1, mirrored: false });
    for (let i = 0; i < 18; i++) {
      const unit = new Float32Array(18);
      unit[i] = 1;
      expect(f(unit)).toBeCloseTo(moved[i]!, 6);
    }
  });
});
