/** The schedule of step sizes against the official code's. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { halvingRule, isOscillating, windows } from '../../../stages/numerics/attacks/checkpoints.ts';
import { readTensors } from '../../../store/tensor-file.ts';
import { referenceDirectory } from '../../support/reference.ts';

/** Numbers of steps after which the rule looks. */
function checkpoints(steps: number): number[] {
  const result: number[] = [];
  let end = 0;
  for (const length of windows(steps)) {
    end += length;
    if (end > steps) return result;
    result.push(end);
  }
  return result;
}

describe('the checkpoints', () => {
  it('lie where the official code has them', () => {
    expect(checkpoints(10)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(checkpoints(20)).toEqual([4, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    expect(checkpoints(50)).toEqual([11, 21, 30, 38, 45]);
    expect(checkpoints(100)).toEqual([22, 41, 57, 70, 80, 87, 93, 99]);
    expect(checkpoints(1)).toEqual([1]);
  });
});

describe('the rule that halves the step', () => {
  it('halves when no more than three quarters of the steps raised the loss', () => {
    const losses = [1, 2, 3, 4, 3];
    expect(isOscillating(losses, 4, 4)).toBe(true);
    expect(isOscillating(losses, 3, 3)).toBe(false);
  });

  it('compares the first loss with a zero, as the official code does', () => {
    expect(isOscillating([0.5, 1], 1, 2)).toBe(false);
    expect(isOscillating([-0.5, 1], 1, 2)).toBe(true);
  });

  it('halves after a window without gain only if the window before did not halve', () => {
    const rule = halvingRule(100, 0);
    const rising = Array.from({ length: 22 }, (_, i) => rule(i + 1, i + 1));
    expect(rising.every((isHalved) => !isHalved)).toBe(true);
    // Rises in every step, yet never above the best: condition 2, and not again in the window after it.
    const decisions = Array.from({ length: 19 + 16 }, (_, i) => rule(i - 50, 22));
    expect(decisions.map((isHalved, i) => (isHalved ? i + 1 : 0)).filter((i) => i > 0)).toEqual([19]);
  });

  it.skipIf(referenceDirectory === null)(
    'decides as the official code did on its own losses (needs ../shared/reference)',
    async () => {
      const folder = `${referenceDirectory}/traces`;
      const { cases } = JSON.parse(await readFile(`${folder}/traces.json`, 'utf8')) as {
        cases: Record<string, unknown>;
      };
      let compared = 0;
      for (const name of Object.keys(cases)) {
        const { tensors } = await readTensors(`${folder}/trace_${name}.safetensors`);
        for (const key of Object.keys(tensors).filter((key) => key.endsWith('.ckpt_osc_only'))) {
          const climb = key.slice(0, -'.ckpt_osc_only'.length);
          const values = (of: string) => Array.from(tensors[`${climb}.${of}`]!.data, Number);
          const [perEval, ends, lengths, expected] = [
            'loss_per_eval',
            'ckpt_iter',
            'ckpt_k',
            'ckpt_osc_only',
          ].map(values) as [number[], number[], number[], number[]];
          expect(lengths).toEqual([22, 19, 16, 13, 10, 7, 6, 6]);
          for (let image = 0; image < 12; image++) {
            const losses = Array.from({ length: 100 }, (_, i) => perEval[(i + 1) * 12 + image]!);
            const found = ends.map((end, i) => Number(isOscillating(losses, end, lengths[i]!)));
            expect(found).toEqual(ends.map((_, i) => expected[i * 12 + image]));
            compared += found.length;
          }
        }
      }
      expect(compared).toBe(3 * 12 * 12 * 8);
    },
  );
});
