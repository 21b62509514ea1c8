import { describe, expect, it } from 'vitest';
import type { Doubt } from '../../../../schemas/attack-results.ts';
import { victimDoubts } from '../../../../stages/attack/doubts/victim.ts';
import { CLASSES, linearOracle, setting, spoilt, victimOf } from './fixture.ts';

const PGD = [setting()];
const sentences = (doubts: Doubt[]) => doubts.map(({ kind, sentence }) => `${kind}: ${sentence}`);

describe('doubts about the classifier', () => {
  it('are not raised by a sane one', () => {
    expect(victimDoubts(victimOf(linearOracle()), PGD)).toEqual([]);
    expect(victimDoubts(victimOf(linearOracle(), { box: null }), PGD)).toEqual([]);
  });

  it('are not looked for where nothing is attacked', () => {
    const oracle = spoilt(linearOracle(), () => {
      throw new Error('asked');
    });
    expect(victimDoubts(victimOf(oracle), [])).toEqual([]);
    expect(victimDoubts(victimOf(oracle, { images: [], labels: [] }), PGD)).toEqual([]);
  });

  it('tell NaN in logits, and nothing that follows from it', () => {
    const oracle = spoilt(linearOracle(), ({ logits }, x) =>
      x[0]! > 0.5 ? { logits: logits.map(() => Number.NaN) } : {},
    );
    expect(sentences(victimDoubts(victimOf(oracle), PGD))).toEqual([
      'nan: The logits of 8 of 40 clean images hold NaN or infinity. Such images count as wrong without an attack, and gradients near them are worthless. Look for an overflow in the network, a logarithm or a division, and mend it before you attack.',
    ]);
  });

  it('tell infinite logits', () => {
    const oracle = spoilt(linearOracle(), ({ logits }) => ({
      logits: logits.map((value) => (value > 2 ? Number.POSITIVE_INFINITY : value)),
    }));
    expect(victimDoubts(victimOf(oracle), PGD)[0]!.sentence).toContain(
      'The logits of 40 of 40 clean images hold NaN or infinity.',
    );
  });

  it('tell NaN in gradients', () => {
    const oracle = spoilt(linearOracle(), ({ gradient }, x) =>
      x[1]! === Math.fround(0.9) ? { gradient: gradient.map(() => Number.NaN) } : {},
    );
    expect(sentences(victimDoubts(victimOf(oracle), PGD))[0]).toBe(
      'nan: The loss gradient of 8 of 40 clean images holds NaN or infinity. Attacks cannot follow it, and these images seem to stand. Look for a square root, a logarithm or a division at 0 in the network, and mend it before you believe any figure.',
    );
  });

  it('tell probabilities', () => {
    const oracle = spoilt(linearOracle(), ({ logits }) => {
      const powers = logits.map(Math.exp);
      const sum = powers.reduce((a, b) => a + b, 0);
      return { logits: powers.map((power) => power / sum) };
    });
    expect(sentences(victimDoubts(victimOf(oracle), PGD))).toEqual([
      'probabilities: On all 40 images tried, the outputs lie in [0, 1] and sum to 1: the classifier seems to give probabilities. Attacks expect logits; the gradient of a softmax all but vanishes where the classifier is sure, so that it looks more robust than it is. Leave the last softmax out of the model and attack again.',
    ]);
  });

  it('tell random outputs, unless the attacks average over draws', () => {
    let asked = 0;
    const oracle = spoilt(linearOracle(), ({ logits }, x) =>
      x[0]! > 0.5 ? { logits: logits.map((value, k) => value + (k === 1 ? 0.001 * asked++ : 0)) } : {},
    );
    expect(sentences(victimDoubts(victimOf(oracle), PGD))).toEqual([
      'random-outputs: Asked 5 times for the same 40 images, the classifier gave different logits for 8 of them, and 40 were classified right. Its outputs are random: an attack that follows the gradient of one draw need not fool the next, and a figure changes when it is taken again. Use auto-attack with version: rand, or apgd-ce and apgd-dlr with draws: 20.',
    ]);
    const averaging = [
      setting({ method: 'auto-attack', version: 'rand' }),
      setting({ method: 'apgd-ce', draws: 20 }),
    ];
    expect(victimDoubts(victimOf(oracle), averaging)).toEqual([]);
    expect(victimDoubts(victimOf(oracle), [...averaging, ...PGD]).length).toBe(1);
  });

  it('tell a classifier that disturbs its input, with how much the number of right ones changes', () => {
    const disturb = (x: Float32Array, image: number, draw: number) => {
      if (image < draw) x.fill(0).set([1], (image + 1) % CLASSES);
    };
    const [doubt] = victimDoubts(victimOf(linearOracle(), { disturb }), PGD);
    expect(doubt!.kind).toBe('random-outputs');
    expect(doubt!.sentence).toContain(
      'gave different logits for 4 of them, and between 36 and 40 were classified right.',
    );
  });

  it('tell gradients that are zero whatever the loss', () => {
    const oracle = spoilt(linearOracle(), ({ gradient }, x) =>
      x[2]! > 0.5 ? { gradient: gradient.map(() => 0) } : {},
    );
    expect(sentences(victimDoubts(victimOf(oracle), PGD))).toEqual([
      'zero-gradients: The gradient of the DLR loss is exactly zero at 8 of 40 clean images: something in the network passes no gradient, such as rounding of the input, a step or dead units. Attacks that follow gradients cannot move these images. Use square, and replace that part of the network by a smooth one when you attack (BPDA).',
      'masked-gradients: With nothing but the box as bound, 20 steps along the gradient leave 8 of 40 images (20 %) classified right, although any image can be turned into any other there: the gradients are masked, and attacks that follow them say little. Trust figures of square and of fab only, with more queries and restarts, and look for what hides the gradient: saturated or dead units, rounding, a transformation of the input.',
    ]);
  });

  it('tell a cross entropy whose gradient is rounded to zero by large logits', () => {
    expect(sentences(victimDoubts(victimOf(linearOracle(1000)), PGD))).toEqual([
      'zero-gradients: The gradient of the cross entropy is exactly zero at 40 of 40 clean images, that of the logits is not: the softmax is rounded to 0 and 1, because the largest logit leads by 740 (median). fgsm, pgd and apgd-ce cannot move these images. Use losses that do not depend on the scale of the logits: apgd-dlr, apgd-t, pgd with loss: margin; or auto-attack.',
    ]);
  });

  it('tell a cross entropy whose gradient has all but vanished', () => {
    expect(sentences(victimDoubts(victimOf(linearOracle(50)), PGD))).toEqual([
      'vanishing-gradients: The gradient of the cross entropy is less than 1e-10 of that of the DLR loss at 40 of 40 clean images, because the largest logit leads by 37 (median): the logits are scaled, and rounding spoils what is left of the gradient. Figures of fgsm, pgd and apgd-ce may be too high. Use losses that do not depend on the scale of the logits: apgd-dlr, apgd-t, pgd with loss: margin; or auto-attack.',
    ]);
  });

  it('tell gradients that lead the wrong way', () => {
    const oracle = spoilt(linearOracle(), ({ gradient }) => ({ gradient: gradient.map((value) => -value) }));
    const [doubt] = victimDoubts(victimOf(oracle, { box: null }), PGD);
    expect(doubt!.kind).toBe('masked-gradients');
    expect(doubt!.sentence).toContain(
      'With nothing but the spread of the data as bound, 20 steps along the gradient leave 40 of 40 images (100 %) classified right',
    );
  });

  it('tell that there are fewer classes than targets, where targets are tried', () => {
    const doubts = (given: Record<string, unknown>) =>
      sentences(victimDoubts(victimOf(linearOracle()), [setting({ norm: 'L2', ...given })]));
    expect(doubts({ method: 'auto-attack' })).toEqual([
      'few-classes: auto-attack: the usual 9 target classes cannot be tried, as there are only 4 beside the true one. All of those are tried, so nothing is missed, but it is less than the standard says; state the number of classes beside the figure when you compare it with others.',
    ]);
    expect(doubts({ method: 'apgd-t', targets: 4 })).toEqual([]);
    expect(doubts({ method: 'auto-attack', version: 'rand' })).toEqual([]);
    expect(doubts({ method: 'auto-attack', version: 'custom', attacks: ['apgd-ce', 'square'] })).toEqual([]);
    expect(doubts({ method: 'auto-attack', version: 'custom', attacks: ['fab-t'] }).length).toBe(1);
  });
});
