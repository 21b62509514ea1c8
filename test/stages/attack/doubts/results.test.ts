import { describe, expect, it } from 'vitest';
import type { Attacked } from '../../../../stages/attack/doubts/attacked.ts';
import type { Judged } from '../../../../stages/attack/doubts/masked.ts';
import { resultDoubts } from '../../../../stages/attack/doubts/results.ts';
import { violationOf } from '../../../../stages/attack/doubts/violations.ts';
import { norms } from '../../../../stages/numerics/attacks/norms.ts';
import { attackedOf } from './fixture.ts';

const N = 1000;
const JUDGED: Judged = { labels: Array.from({ length: N }, (_, i) => i % 10), size: 4, box: [0, 1] };

/** The first `robust` of a thousand images stand. */
const leaving = (robust: number) => '1'.repeat(robust) + '0'.repeat(N - robust);

function doubts(...attacked: Attacked[]): string[] {
  return resultDoubts(attacked, JUDGED).map(({ kind, sentence }) => `${kind}: ${sentence}`);
}

describe('doubts about figures', () => {
  it('are not raised by figures that go together', () => {
    const cascade = attackedOf({ method: 'auto-attack' }, leaving(480), {
      parts: [
        ['apgd-ce', leaving(500)],
        ['apgd-t', leaving(482)],
        ['fab-t', leaving(482)],
        ['square', leaving(480)],
      ],
      falls: [{ attack: 'square', budget: 5000, queries: [1200, 4600] }],
    });
    const sane = [
      attackedOf({ method: 'fgsm' }, leaving(600)),
      attackedOf({ steps: 10 }, leaving(520)),
      attackedOf({ steps: 40 }, leaving(519)),
      attackedOf({ steps: 40, eps: [0.2] }, leaving(210)),
      attackedOf({ steps: 40, eps: [0.5] }, leaving(40)),
      attackedOf({ method: 'square' }, leaving(530), {
        falls: [{ attack: 'square', budget: 5000, queries: [1, 10, 200, 3000, 4500, 4900, 4999] }],
      }),
      attackedOf({ method: 'gaussian-noise' }, leaving(900)),
      attackedOf({ from: { model: 'other' } }, leaving(700)),
      attackedOf({ targeted: true }, leaving(800)),
      cascade,
    ];
    expect(doubts(...sane)).toEqual([]);
    expect(doubts()).toEqual([]);
  });

  it('tell points outside of ball and box, and points that are no numbers', () => {
    expect(doubts(attackedOf({}, leaving(500), { violations: { ball: 3, box: 2, nan: 1 } }))).toEqual([
      'ball-violated: pgd-20 Linf 0.1: 3 adversarial points lie farther from their images than ε = 0.1. The attack is at fault and the figure is too low; do not use it, and report this as a defect.',
      'box-violated: pgd-20 Linf 0.1: 2 adversarial points have values outside the box that images lie in. The attack is at fault and the figure is too low; do not use it, and report this as a defect.',
      'nan: pgd-20 Linf 0.1: 1 adversarial points hold values that are not finite numbers. The attack is at fault and the figure is too low; do not use it, and report this as a defect.',
    ]);
  });

  it('tell that Square broke what the other attacks of AutoAttack had left', () => {
    const cascade = (afterSquare: number) =>
      attackedOf({ method: 'auto-attack' }, leaving(afterSquare), {
        parts: [
          ['apgd-ce', leaving(500)],
          ['square', leaving(afterSquare)],
        ],
      });
    expect(doubts(cascade(498))).toEqual([]);
    expect(doubts(cascade(497))).toEqual([
      'square-wins: auto-attack Linf 0.1: square, which sees no gradients, broke 3 of 1000 images (0.3 %) that the attacks before it left standing. Gradients may be masked, and the true accuracy lower than any figure here. Run square with more queries and restarts (queries: 20000, restarts: 5), and design an attack for what is special about this model.',
    ]);
  });

  it('do not count what Square breaks first', () => {
    const cascade = attackedOf(
      { method: 'auto-attack', version: 'custom', attacks: ['square', 'apgd-ce'] },
      leaving(300),
      {
        parts: [
          ['square', leaving(500)],
          ['apgd-ce', leaving(300)],
        ],
      },
    );
    expect(doubts(cascade)).toEqual([]);
  });

  it('tell that Square or noise broke what attacks beside them left, image by image', () => {
    const pgd = attackedOf({}, leaving(500));
    const square = attackedOf({ method: 'square' }, `${'0'.repeat(4)}${'1'.repeat(N - 4)}`);
    const [doubt] = doubts(pgd, square);
    expect(doubt).toContain(
      'square-wins: square Linf 0.1, which sees no gradients, broke 4 of 1000 images (0.4 %) that pgd-20 Linf 0.1 left standing.',
    );
    const noise = attackedOf({ method: 'uniform-noise' }, leaving(490));
    expect(doubts(pgd, noise)[0]).toContain('uniform-noise Linf 0.1, which sees no gradients, broke 10 of');
    expect(doubts(attackedOf({ eps: [0.05] }, leaving(500)), square)).toEqual([]);
    expect(doubts(square)).toEqual([]);
  });

  it('compare Square with what AutoAttack left before its own Square', () => {
    const cascade = attackedOf({ method: 'auto-attack' }, leaving(500), {
      parts: [
        ['apgd-ce', leaving(502)],
        ['square', leaving(500)],
      ],
    });
    const square = attackedOf({ method: 'square' }, leaving(499));
    expect(doubts(cascade, square)[0]).toContain('broke 3 of 1000 images (0.3 %) that auto-attack Linf 0.1');
  });

  it('tell that images made on another model fool where attacks on the classifier itself do not', () => {
    const transfer = attackedOf({ from: { model: 'models/other' } }, `00000${'1'.repeat(N - 5)}`);
    expect(doubts(attackedOf({}, leaving(500)), transfer)).toEqual([
      'transfer-wins: pgd-20 Linf 0.1: images made on models/other broke 5 of 1000 images (0.5 %) that attacks on the classifier itself (pgd-20 Linf 0.1) left standing. Knowing less should not help: its gradients may be masked. Attack it with auto-attack, and count an image as robust only if it stands all attacks, these included.',
    ]);
    expect(doubts(transfer)).toEqual([]);
  });

  it('tell that more steps, queries or restarts still lower accuracy', () => {
    expect(doubts(attackedOf({ steps: 10 }, leaving(520)), attackedOf({ steps: 40 }, leaving(500)))).toEqual([
      'not-converged: pgd-10 Linf 0.1 leaves 520 of 1000 images standing, pgd-40 Linf 0.1 500: more work still lowers accuracy, so that it has not been driven as low as it goes. Use more steps, queries or restarts until the figure stays, or auto-attack.',
    ]);
    const square = (queries: number, robust: number) =>
      attackedOf({ method: 'square', queries }, leaving(robust));
    expect(doubts(square(1000, 520), square(5000, 510))[0]).toContain(
      'square Linf 0.1 (1000 queries) leaves 520 of 1000 images standing, square Linf 0.1 (5000 queries) 510:',
    );
    const restarted = attackedOf({ randomStart: true, restarts: 5 }, leaving(510));
    expect(doubts(attackedOf({ randomStart: true }, leaving(520)), restarted)[0]).toContain(
      'pgd-20 Linf 0.1 (5 restarts) 510:',
    );
  });

  it('compare the two that work hardest alone', () => {
    const found = [
      attackedOf({ steps: 40 }, leaving(500)),
      attackedOf({ steps: 10 }, leaving(600)),
      attackedOf({ steps: 100 }, leaving(499)),
    ];
    expect(doubts(...found)).toEqual([]);
  });

  it('tell that more steps find less', () => {
    expect(doubts(attackedOf({ steps: 10 }, leaving(500)), attackedOf({ steps: 40 }, leaving(520)))).toEqual([
      'order: pgd-10 Linf 0.1 leaves 500 of 1000 images standing, pgd-40 Linf 0.1 520: more work finds less, so the attack gets stuck. Use another step size, random starts and restarts, or auto-attack.',
    ]);
  });

  it('tell that many images fell at the very end', () => {
    const late = (queries: number[], attack = 'square', budget: number | null = 5000) =>
      doubts(attackedOf({ method: 'square' }, leaving(900), { falls: [{ attack, budget, queries }] }));
    expect(late([100, 4001, 4100, 4200, 4300, 4400, 4999])).toEqual([
      'not-converged: square Linf 0.1: of 7 images that square broke, 6 (0.6 % of all) fell in the last fifth of its 5000 queries, so that accuracy was still falling when it stopped. Give it 10000 or more by queries and restarts, until few images fall late.',
    ]);
    const last = [4950, 4960, 4970, 4980, 4990, 4999];
    expect(late(last, 'apgd-ce')[0]).toContain('Give it 10000 or more by steps and restarts');
    expect(late(last, 'apgd-t')).toEqual([]);
    expect(late(last, 'square', null)).toEqual([]);
    expect(late([4, 4, 4, 4, 4, 5], 'pgd', 5)).toEqual([]);
    const lateAlike = { falls: [{ attack: 'pgd', budget: 21, queries: [3, 18, 19, 19, 20, 20, 21] }] };
    const two = [
      attackedOf({}, leaving(900), lateAlike),
      attackedOf({ norm: 'L2' }, leaving(900), lateAlike),
    ];
    expect(doubts(...two)).toEqual([
      'not-converged: pgd: of the images that it broke, 6 of 7 (pgd-20 Linf 0.1), 6 of 7 (pgd-20 L2 0.1) fell in the last fifth of its 21 queries, so that accuracy was still falling when it stopped. Give it 42 or more by steps and restarts, until few images fall late.',
    ]);
    const cascade = [
      { attack: 'apgd-ce', budget: 101, queries: [99, 100, 100, 101, 101, 101] },
      { attack: 'square', budget: 5001, queries: [] },
    ];
    expect(doubts(attackedOf({ method: 'auto-attack' }, leaving(900), { falls: cascade }))).toEqual([]);
  });

  it('tell that one step does better than many', () => {
    expect(doubts(attackedOf({ method: 'fgsm' }, leaving(500)), attackedOf({}, leaving(520)))).toEqual([
      'masked-gradients: fgsm Linf 0.1 leaves 500 of 1000 images standing, pgd-20 Linf 0.1 520: one step does better than many, a sign of masked gradients. Believe neither figure; use auto-attack, and square with more queries.',
    ]);
  });

  it('tell that more than one class stands where all images can be made the same', () => {
    expect(doubts(attackedOf({ eps: [0.5] }, leaving(150)))).toEqual([
      'masked-gradients: pgd-20 Linf 0.5 leaves 150 of 1000 images standing, although every image can be made the same gray within this ε, so that no more than 100 (the most frequent class) could stand: the attack fails, gradients are masked. Do not believe figures of this attack at smaller ε either; use square and fab with restarts, and find out what hides the gradient.',
    ]);
    // Half the box in each of four values: L2 1, L1 2.
    expect(doubts(attackedOf({ norm: 'L2', eps: [1] }, leaving(150))).length).toBe(1);
    expect(doubts(attackedOf({ norm: 'L2', eps: [0.99] }, leaving(150)))).toEqual([]);
    expect(doubts(attackedOf({ norm: 'L1', eps: [2] }, leaving(150))).length).toBe(1);
    expect(doubts(attackedOf({ norm: 'L1', eps: [1.9] }, leaving(150)))).toEqual([]);
    expect(doubts(attackedOf({ method: 'gaussian-noise', eps: [0.5] }, leaving(150)))).toEqual([]);
    expect(resultDoubts([attackedOf({ eps: [9] }, leaving(150))], { ...JUDGED, box: null })).toEqual([]);
  });

  it('tell that a larger ball leaves more', () => {
    expect(doubts(attackedOf({}, leaving(500)), attackedOf({ eps: [0.2] }, leaving(506)))).toEqual([
      'order: pgd-20 Linf 0.2 leaves 506 of 1000 images standing, more than pgd-20 Linf 0.1 with 500, although its ball is larger: the attack gets stuck. Use more steps, a step size that grows with ε, restarts, or auto-attack.',
    ]);
  });
});

describe('a point', () => {
  const image = Float32Array.of(0.1, 0.5, 0.9);
  const allowed = { norm: norms.Linf, eps: 0.1, box: [0, 1] as const };

  it('may be rounded past the ball, and no farther', () => {
    expect(violationOf(Float32Array.of(0.2, 0.6, 1), image, allowed)).toBe(null);
    expect(violationOf(Float32Array.of(0.2, 0.6002, 1), image, allowed)).toBe('ball');
    expect(
      violationOf(Float32Array.of(0.2, 0.6002, 1), image, { ...allowed, eps: Number.POSITIVE_INFINITY }),
    ).toBe(null);
  });

  it('must lie in the box', () => {
    expect(violationOf(Float32Array.of(0.1, 0.5, 1.00001), image, { ...allowed, eps: 1 })).toBe('box');
    expect(violationOf(Float32Array.of(0.1, 0.5, 1.00001), image, { ...allowed, eps: 1, box: null })).toBe(
      null,
    );
  });

  it('must be finite', () => {
    expect(violationOf(Float32Array.of(0.1, Number.NaN, 1), image, allowed)).toBe('nan');
    expect(violationOf(Float32Array.of(0.1, Number.POSITIVE_INFINITY, 1), image, allowed)).toBe('nan');
  });
});
