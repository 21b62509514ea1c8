/** APGD against the official code, evaluation for evaluation, from the same starts. */
import '../../support/engine.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { apgd } from '../../../stages/numerics/attacks/apgd.ts';
import { apgdTargeted } from '../../../stages/numerics/attacks/apgd-targeted.ts';
import type { Attack, Problem } from '../../../stages/numerics/attacks/attack.ts';
import { isOscillating } from '../../../stages/numerics/attacks/checkpoints.ts';
import { norms } from '../../../stages/numerics/attacks/norms.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { readTensors, type Tensor } from '../../../store/tensor-file.ts';
import { type PublishedOracles, publishedOracles, TRACES } from '../../support/official-traces.ts';
import { referenceDirectory } from '../../support/reference.ts';
import { trace } from '../../support/traced-climbs.ts';

const IMAGES = 12;
const SIZE = 784;
const STEPS = 100;

/** Share of a loss, or of 1 where it is smaller, that another order of additions changes within the first window, as a rule. */
const ROUNDING = 1e-4;

/** The start and the first window of the step sizes. */
const CERTAIN = 1 + 22;

const tolerance = (loss: number) => ROUNDING * Math.max(1, Math.abs(loss));

/** Evaluations before the first one that is off by more than so many tolerances. */
function agreeing(losses: number[], expected: number[], tolerances: number): number {
  const off = losses.findIndex(
    (loss, i) => !(Math.abs(loss - expected[i]!) <= tolerances * tolerance(expected[i]!)),
  );
  return off < 0 ? losses.length : off;
}

/** Whether steps that changed the loss by no more than rounding decide whether it oscillates. */
function isUndecided(losses: number[], last: number, window: number): boolean {
  const changes = Array.from({ length: window }, (_, i) => {
    const [now, before] = [losses[last - i]!, losses[last - i - 1] ?? 0];
    return (now - before) / tolerance(now);
  });
  const limit = 0.75 * window;
  return (
    changes.filter((change) => change > 2).length <= limit &&
    changes.filter((change) => change > -2).length > limit
  );
}

describe.skipIf(referenceDirectory === null)(
  'APGD from the starts of the traces (needs ../shared/reference)',
  () => {
    let oracles: PublishedOracles;
    beforeAll(async () => {
      oracles = await publishedOracles();
    });

    it.each(TRACES)('takes the same way as the official code, $file', async ({ file, model, norm, eps }) => {
      const { tensors } = await readTensors(`${referenceDirectory}/traces/trace_${file}.safetensors`);
      const numbers = (name: string) => Array.from((tensors[name] as Tensor).data, Number);
      const rows = (name: string) => {
        const { data } = tensors[name]!;
        return Array.from({ length: IMAGES }, (_, i) =>
          (data as Float32Array).slice(i * SIZE, (i + 1) * SIZE),
        );
      };
      const images = rows('x');
      const oracle = oracles.get(model)!;
      const labels = numbers('y');
      const clean = oracle.ask(images.map((x, i) => ({ query: { x, loss: null }, label: labels[i]! })));
      const problems = images.map(
        (image, i): Problem => ({
          image,
          shape: [28, 28, 1],
          label: labels[i]!,
          target: null,
          cleanLogits: clean[i]!.logits,
          norm: norms[norm],
          eps,
          box: [0, 1],
          random: randomStream(0),
        }),
      );
      const keep = { steps: STEPS, keepClimbing: true };
      const atImage = (problem: Problem) => problem.image;
      const starts = rows('rs.x_init');
      const climbs: [string, (image: number) => Attack][] = [
        ['apgd_ce', () => apgd({ loss: 'ce', start: atImage, ...keep })],
        ['apgd_dlr', () => apgd({ loss: 'dlr', start: atImage, ...keep })],
        ['rs.apgd_ce', (i) => apgd({ loss: 'ce', start: () => starts[i]!, ...keep })],
        ...Array.from({ length: 9 }, (_, k): [string, () => Attack] => [
          `apgd_t${k + 2}`,
          () => apgdTargeted({ rank: k + 2, start: atImage, ...keep }),
        ]),
      ];
      const counts = { climbs: 0, close: 0, together: 0, decisions: 0, different: 0 };
      for (const [name, attackOf] of climbs) {
        const traced = trace(attackOf, problems, oracle);
        const [perEval, oscillating, ends, lengths, bestLoss, survived] = [
          'loss_per_eval',
          'ckpt_osc_only',
          'ckpt_iter',
          'ckpt_k',
          'loss_best',
          'acc',
        ].map((of) => numbers(`${name}.${of}`)) as [
          number[],
          number[],
          number[],
          number[],
          number[],
          number[],
        ];
        traced.forEach(({ losses, outcome }, image) => {
          const expected = Array.from({ length: STEPS + 1 }, (_, i) => perEval[i * IMAGES + image]!);
          const place = { name, image };
          expect({ ...place, certain: agreeing(losses, expected, 10) >= CERTAIN }).toEqual({
            ...place,
            certain: true,
          });
          expect({ ...place, survived: outcome.isAdversarial ? 0 : 1 }).toEqual({
            ...place,
            survived: survived[image],
          });
          expect(Math.abs(Math.max(...losses) - bestLoss[image]!)).toBeLessThan(
            10 * tolerance(bestLoss[image]!),
          );
          const together = agreeing(losses, expected, 10);
          counts.climbs += 1;
          if (agreeing(losses, expected, 1) >= CERTAIN) counts.close += 1;
          if (together === STEPS + 1) counts.together += 1;
          ends.forEach((end, i) => {
            if (end + 1 >= agreeing(losses, expected, 1) || isUndecided(expected.slice(1), end, lengths[i]!))
              return;
            counts.decisions += 1;
            const found = Number(isOscillating(losses.slice(1), end, lengths[i]!));
            if (found !== oscillating[i * IMAGES + image]) counts.different += 1;
          });
        });
      }
      expect(counts.different).toBe(0);
      // A few climbs pass places where the gradient turns, and rounding grows there.
      expect(counts.close / counts.climbs).toBeGreaterThan(0.97);
      // Afterwards, rounding may choose between points of equal loss to go back to.
      expect(counts.together / counts.climbs).toBeGreaterThan(0.75);
      expect(counts.decisions).toBeGreaterThan(400);
    });
  },
);
