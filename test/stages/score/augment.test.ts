import { describe, expect, it } from 'vitest';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { augmentImage } from '../../../stages/score/augment.ts';

const shape = [3, 4, 1];
const image = Float32Array.from({ length: 12 }, (_, i) => i);

/** The pixel of an image that goes on as mirror images without repeating its edge. */
function mirrorImage(row: number, column: number): number {
  const fold = (place: number, length: number) => {
    let p = place;
    while (p < 0 || p >= length) p = p < 0 ? -p : 2 * (length - 1) - p;
    return p;
  };
  return image[4 * fold(row, 3) + fold(column, 4)]!;
}

describe('augmentation', () => {
  it('moves pixels as its label says, and fills gaps with mirror images', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 800; i++) {
      const values = Float32Array.of(-1, ...image);
      const settings = { probability: 0.7, flip: true, shift: 2 };
      const [mirrored, right, down] = augmentImage(values, 1, shape, settings, randomStream(i, 'augment'));
      seen.add([mirrored, right, down].join());
      for (let row = 0; row < 3; row++) {
        for (let column = 0; column < 4; column++) {
          // Mirrored first, then shifted.
          const along = column - 2 * right;
          const expected = mirrorImage(row - 2 * down, mirrored === 1 ? 3 - along : along);
          expect(values[1 + 4 * row + column]).toBe(expected);
        }
      }
      expect(values[0]).toBe(-1);
    }
    // Five shifts each way, with and without mirroring.
    expect(seen.size).toBe(50);
  });

  it('does nothing that is not asked for', () => {
    for (const settings of [
      { probability: 0, flip: true, shift: 2 },
      { probability: 1, flip: false, shift: 0 },
    ]) {
      const values = image.slice();
      expect(augmentImage(values, 0, shape, settings, randomStream(1))).toEqual([0, 0, 0]);
      expect(values).toEqual(image);
    }
  });
});
