/** APGD for L1 against what the official code did with the same random numbers: test/fixtures/torch/make_apgd_l1.py. */
import '../../support/engine.ts';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { apgd } from '../../../stages/numerics/attacks/apgd.ts';
import { apgdTargeted } from '../../../stages/numerics/attacks/apgd-targeted.ts';
import type { Problem } from '../../../stages/numerics/attacks/attack.ts';
import { norms } from '../../../stages/numerics/attacks/norms.ts';
import { makeOracle } from '../../../stages/numerics/attacks/oracle.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { readTensors } from '../../../store/tensor-file.ts';
import { tf } from '../../support/engine.ts';
import { trace } from '../../support/traced-climbs.ts';

const IMAGES = 4;
const SIZE = 60;

interface Settings {
  eps: number;
  steps: number;
  shrinking: boolean;
  rank: number | null;
}

const path = fileURLToPath(new URL('../../fixtures/torch/apgd-l1.safetensors', import.meta.url));
const { tensors, metadata } = await readTensors(path);
const climbs = Object.entries(JSON.parse(metadata.climbs!) as Record<string, Settings>);

const values = (name: string) => Float32Array.from(tensors[name]!.data);
const row = (name: string, image: number) => values(name).slice(image * SIZE, (image + 1) * SIZE);
const weight = (name: string) => tf.tensor(values(`w.${name}`), tensors[`w.${name}`]!.shape);

const weights = { w1: weight('w1'), b1: weight('b1'), w2: weight('w2'), b2: weight('b2') };
const oracle = makeOracle(
  (x) => {
    const hidden = tf.tanh(
      tf.add(tf.matMul(tf.sub(x, 0.5) as tf.Tensor2D, weights.w1 as tf.Tensor2D), weights.b1),
    );
    return tf.add(tf.matMul(hidden as tf.Tensor2D, weights.w2 as tf.Tensor2D), weights.b2) as tf.Tensor2D;
  },
  [SIZE],
  5,
);

describe('APGD for L1', () => {
  it.each(climbs)('goes the way of the official code, %s', (name, { eps, steps, shrinking, rank }) => {
    const labels = values('in.y');
    const images = Array.from({ length: IMAGES }, (_, i) => row('in.x', i));
    const clean = oracle.ask(images.map((x, i) => ({ query: { x, loss: null }, label: labels[i]! })));
    const problems = images.map((image, i): Problem => {
      const normals = [...row(`${name}.normals`, i)];
      return {
        image,
        shape: [SIZE],
        label: labels[i]!,
        target: null,
        cleanLogits: clean[i]!.logits,
        norm: norms.L1,
        eps,
        box: [0, 1],
        random: { ...randomStream(0), normal: () => normals.shift()! },
      };
    });
    const options = { steps, shrinkingBall: shrinking, keepClimbing: true };
    const attack = rank === null ? apgd({ loss: 'ce', ...options }) : apgdTargeted({ rank, ...options });
    const survived = values(`${name}.survived`);
    const expected = values(`${name}.losses`);
    trace(() => attack, problems, oracle).forEach(({ losses, outcome }, i) => {
      expect(losses).toHaveLength(expected.length / IMAGES);
      const off = losses.map((loss, step) => Math.abs(loss - expected[step * IMAGES + i]!));
      expect(Math.max(...off)).toBeLessThan(2e-4);
      expect(outcome.isAdversarial ? 0 : 1).toBe(survived[i]);
    });
  });
});
