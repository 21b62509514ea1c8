/** Which class a classifier names, and which it would name next. */
import { describe, expect, it } from 'vitest';
import { classOfRank } from '../../../stages/numerics/attacks/attack.ts';

describe('the class of a rank', () => {
  it('goes by falling logit, of equal logits the first class first', () => {
    const logits = Float32Array.of(1, 3, -2, 3, 5);
    expect([1, 2, 3, 4, 5].map((rank) => classOfRank(logits, rank))).toEqual([4, 1, 3, 0, 2]);
  });

  it('is refused where there are fewer classes', () => {
    expect(() => classOfRank(Float32Array.of(1, 3), 3)).toThrow(
      'Expected at least 3 classes for an attack that aims at the class of rank 3, found 2; choose fewer targets.',
    );
  });
});
