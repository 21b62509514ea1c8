import { describe, expect, it } from 'vitest';
import { accuracyCurve } from '../../../stages/attack/accuracy-curve.ts';

describe('accuracy against ε', () => {
  // Right and fallen at 0.5 and 2, wrong from the start, right and never led astray.
  const distance = [0.5, 2, 0, 0];
  const [clean, labels] = [
    [0, 1, 2, 3],
    [0, 1, 0, 3],
  ];
  const curve = accuracyCurve({ distance }, clean!, labels!, 0.77);
  const at = (eps: number) => curve.find((point) => point.eps === eps)?.robust;

  it('begins with the clean accuracy and falls at each perturbation found', () => {
    expect([at(0), at(0.48), at(0.5), at(1.98), at(2)]).toEqual([3, 3, 2, 2, 1]);
  });

  it('has the ε of the attack as a point, and rises in ε', () => {
    expect(at(0.77)).toBe(2);
    expect(curve.length).toBe(102);
    expect(curve.every(({ eps }, i) => i === 0 || eps > curve[i - 1]!.eps)).toBe(true);
    expect(curve.every(({ robust }, i) => i === 0 || robust <= curve[i - 1]!.robust)).toBe(true);
  });

  it('goes to the ε of the attack where nothing was found', () => {
    const flat = accuracyCurve({ distance: [0] }, [1], [1], 0.3);
    expect(flat.at(-1)).toEqual({ eps: 0.3, robust: 1 });
  });
});
