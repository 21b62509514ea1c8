/** What attacks climb: values against the official code and plain formulas, gradients against finite differences. */
import '../../support/engine.ts';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { LossName } from '../../../stages/numerics/attacks/attack.ts';
import { CLASSES_NEEDED, losses } from '../../../stages/numerics/attacks/losses.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { tf } from '../../support/engine.ts';
import { referenceDirectory } from '../../support/reference.ts';

const oneHot = (classes: readonly number[], depth: number) =>
  tf.cast(tf.oneHot(tf.tensor1d([...classes], 'int32'), depth), 'float32') as tf.Tensor2D;

function evaluate(name: LossName, logits: number[][], labels: number[], targets: number[]) {
  const depth = logits[0]!.length;
  const { loss, gradient } = losses[name](tf.tensor2d(logits), oneHot(labels, depth), oneHot(targets, depth));
  return { loss: [...loss.dataSync()], gradient: gradient.arraySync() };
}

/** The formulas, one image at a time, in 64 bits. */
const formulas: Record<LossName, (z: number[], y: number, t: number) => number> = {
  ce: (z, y) => logSumExp(z) - z[y]!,
  'ce-targeted': (z, _y, t) => z[t]! - logSumExp(z),
  dlr: (z, y) => {
    const falling = sorted(z);
    return -(z[y]! - Math.max(...without(z, y))) / (falling[0]! - falling[2]!);
  },
  'dlr-targeted': (z, y, t) => {
    const falling = sorted(z);
    return -(z[y]! - z[t]!) / (falling[0]! - (falling[2]! + falling[3]!) / 2);
  },
  margin: (z, y) => Math.max(...without(z, y)) - z[y]!,
  difference: (z, y, t) => z[t]! - z[y]!,
};
const sorted = (z: number[]) => [...z].sort((a, b) => b - a);
const without = (z: number[], y: number) => z.filter((_, k) => k !== y);
const logSumExp = (z: number[]) => Math.log(z.reduce((sum, value) => sum + Math.exp(value), 0));

describe('the losses of attacks', () => {
  it.skipIf(referenceDirectory === null)(
    'give the DLR of the official code (needs ../shared/reference)',
    async () => {
      const text = await readFile(`${referenceDirectory}/traces/traces.json`, 'utf8');
      const { logits, y, dlr, y_target, dlr_targeted } = JSON.parse(text).dlr_example;
      evaluate('dlr', logits, y, y_target).loss.forEach((loss, i) => {
        expect(loss).toBeCloseTo(dlr[i], 6);
      });
      evaluate('dlr-targeted', logits, y, y_target).loss.forEach((loss, i) => {
        expect(loss).toBeCloseTo(dlr_targeted[i], 6);
      });
    },
  );

  it.each(Object.keys(losses) as LossName[])('%s has the value and the slope of its formula', (name) => {
    const random = randomStream(name);
    for (const classes of [CLASSES_NEEDED[name], 10]) {
      // Logits far enough apart that a small step changes no order; the label is first, second, and behind.
      const logits = Array.from({ length: 24 }, () =>
        [...random.permutation(classes)].map((place) => 1.5 * place + 0.3 * random.normal()),
      );
      const labels = logits.map((_, i) => i % classes);
      const targets = logits.map((_, i) => (i + 1 + (i % (classes - 1))) % classes);
      const { loss, gradient } = evaluate(name, logits, labels, targets);
      logits.forEach((z, i) => {
        const of = (point: number[]) => formulas[name](point, labels[i]!, targets[i]!);
        expect(Math.abs(loss[i]! - of(z))).toBeLessThan(1e-5);
        z.forEach((_, k) => {
          const at = (step: number) => of(z.map((value, j) => (j === k ? value + step : value)));
          expect(Math.abs(gradient[i]![k]! - (at(1e-5) - at(-1e-5)) / 2e-5)).toBeLessThan(1e-5);
        });
      });
    }
  });

  it.each(Object.keys(losses) as LossName[])('%s stays finite with large and with equal logits', (name) => {
    const logits = [
      [1e4, 0, -1e4, 5],
      [0, 1e4, 3, 1],
      [7, 7, 7, 7],
    ];
    const { loss, gradient } = evaluate(name, logits, [0, 0, 0], [1, 1, 1]);
    expect(loss.every(Number.isFinite)).toBe(true);
    expect(gradient.flat().every(Number.isFinite)).toBe(true);
  });
});
