/** What AutoAttack is made of, held against what the official code's `set_version` sets. */
import { describe, expect, it } from 'vitest';
import { type AttackSetting, attackEntrySchema } from '../../../schemas/attack-config.ts';
import { autoAttack } from '../../../stages/numerics/attacks/auto-attack.ts';
import { attemptsOf } from '../../../stages/numerics/attacks/registry.ts';

function setting(parts: object): AttackSetting {
  const entry = attackEntrySchema.parse({ method: 'auto-attack', norm: 'Linf', eps: [0.03], ...parts });
  return { ...entry, eps: 0.03 };
}

/** [attack, attempts, and what else the version says]. */
const madeOf = (parts: object, classes = 10) =>
  autoAttack(setting(parts)).map((part) => {
    const { method, queries, draws, shrinkingBall } = part;
    return [
      method,
      attemptsOf(part, { classes }).length,
      { ...(queries && { queries }), ...(draws && { draws }), ...(shrinkingBall && { shrinkingBall }) },
    ];
  });

describe('AutoAttack', () => {
  it.each(['Linf', 'L2'])('standard for %s', (norm) => {
    expect(madeOf({ norm })).toEqual([
      ['apgd-ce', 1, {}],
      ['apgd-t', 9, {}],
      ['fab-t', 9, {}],
      ['square', 1, { queries: 5000 }],
    ]);
  });

  it('standard for L1 climbs in larger balls first, more often and to fewer targets', () => {
    expect(madeOf({ norm: 'L1' })).toEqual([
      ['apgd-ce', 5, { shrinkingBall: true }],
      ['apgd-t', 5, { shrinkingBall: true }],
      ['fab-t', 9, {}],
      ['square', 1, { queries: 5000 }],
    ]);
  });

  it('plus', () => {
    expect(madeOf({ version: 'plus' })).toEqual([
      ['apgd-ce', 5, {}],
      ['apgd-dlr', 5, {}],
      ['fab', 5, {}],
      ['square', 1, { queries: 5000 }],
      ['apgd-t', 9, {}],
      ['fab-t', 9, {}],
    ]);
  });

  it('rand', () => {
    expect(madeOf({ version: 'rand' })).toEqual([
      ['apgd-ce', 1, { draws: 20 }],
      ['apgd-dlr', 1, { draws: 20 }],
    ]);
  });

  it('custom takes its own list, and what it says for all of them', () => {
    const custom = { version: 'custom', attacks: ['square', 'apgd-ce', 'fab-t'] };
    expect(madeOf(custom)).toEqual([
      ['square', 1, { queries: 5000 }],
      ['apgd-ce', 5, {}],
      ['fab-t', 9, {}],
    ]);
    expect(madeOf({ ...custom, restarts: 2, queries: 7, targets: 3, draws: 4 })).toEqual([
      ['square', 2, { queries: 7, draws: 4 }],
      ['apgd-ce', 2, { queries: 7, draws: 4 }],
      ['fab-t', 6, { queries: 7, draws: 4 }],
    ]);
  });

  it('tries no more targets than there are wrong classes', () => {
    expect(madeOf({}, 5).map(([method, attempts]) => [method, attempts])).toEqual([
      ['apgd-ce', 1],
      ['apgd-t', 4],
      ['fab-t', 4],
      ['square', 1],
    ]);
  });
});
