/** `attack.json` with figures that are known: those of the official AutoAttack for a published network. */
import {
  ATTACK_SUMMARY_VERSION,
  type AttackResult,
  type AttackSummary,
} from '../../schemas/attack-results.ts';
import { wilson } from '../../stages/numerics/analyses/wilson.ts';

const interval = (correct: number, n: number) => {
  const { low, high } = wilson(correct, n);
  return { low, high };
};

/** 500 images of ten classes; robust counts after each part of a cascade, or one for an attack by itself. */
export function resultOf(
  name: string,
  given: Pick<AttackResult, 'method' | 'norm' | 'eps'> & Partial<AttackResult>,
  parts: [string, number][],
  cleanCorrect = 418,
  n = 500,
): AttackResult {
  const robust = parts.at(-1)![1];
  return {
    name,
    steps: null,
    targeted: false,
    transferFrom: null,
    n,
    cleanCorrect,
    robust,
    interval: interval(robust, n),
    parts: parts.map(([attack, left]) => ({ attack, robust: left, queries: 100 * n, gradients: 100 * n })),
    confusion: [],
    curve: null,
    ...given,
  };
}

export function summaryOf(attacks: AttackResult[], more: Partial<AttackSummary> = {}): AttackSummary {
  return {
    version: ATTACK_SUMMARY_VERSION,
    model: 'mnist_small_0_3',
    data: 'mnist',
    n: 500,
    cleanCorrect: 418,
    cleanInterval: interval(418, 500),
    seed: 0,
    classNames: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    attacks,
    doubts: [],
    ...more,
  };
}

/** mnist_small_0_3 at L∞ 0.3 and L2 1.5. */
export function officialFigures(): AttackSummary {
  const standard = (norm: 'Linf' | 'L2', eps: number, left: [number, number, number, number]) =>
    resultOf(
      `auto-attack standard ${norm} ${eps}`,
      { method: 'auto-attack', norm, eps },
      ['apgd-ce', 'apgd-t', 'fab-t', 'square'].map((attack, i) => [attack, left[i]!]),
    );
  const pgd = resultOf('pgd-40 Linf 0.3', { method: 'pgd', norm: 'Linf', eps: 0.3, steps: 40 }, [
    ['pgd', 362],
  ]);
  return summaryOf([
    pgd,
    standard('Linf', 0.3, [364, 349, 347, 341]),
    standard('L2', 1.5, [296, 258, 24, 17]),
  ]);
}
