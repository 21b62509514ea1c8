/** Robust accuracy under APGD of published robust networks, against the official code's and against proofs. */
import '../../support/engine.ts';
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { apgd } from '../../../stages/numerics/attacks/apgd.ts';
import { apgdTargeted } from '../../../stages/numerics/attacks/apgd-targeted.ts';
import { type Attack, classOf } from '../../../stages/numerics/attacks/attack.ts';
import { type Norm, norms } from '../../../stages/numerics/attacks/norms.ts';
import { makeOracle } from '../../../stages/numerics/attacks/oracle.ts';
import { AttackRun } from '../../../stages/numerics/attacks/run-attacks.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { viewSplit } from '../../../store/dataset-artifact.ts';
import { readMnist } from '../../../store/datasets/mnist.ts';
import { loadPublished, type PublishedName } from '../../support/published.ts';
import { dataDirectory, referenceDirectory } from '../../support/reference.ts';

const attacks: Record<string, Attack[]> = {
  'apgd-ce': [apgd({ loss: 'ce' })],
  'apgd-dlr': [apgd({ loss: 'dlr' })],
  'apgd-t': Array.from({ length: 9 }, (_, k) => apgdTargeted({ rank: k + 2 })),
};

interface Case {
  model: PublishedName;
  norm: Norm['name'];
  eps: number;
  attack: string;
  images: number;
}

/**
 * Fewer images where the figure for all 500 takes minutes. The official attack itself breaks 356 to 364 of 500 images
 * from five seeds at 0.3 (attacks/seed_spread.json), and never differs by more than one at 0.1.
 */
const cases: Case[] = [
  { model: 'mnist_small_0_3', norm: 'Linf', eps: 0.1, attack: 'apgd-ce', images: 500 },
  { model: 'mnist_small_0_3', norm: 'Linf', eps: 0.3, attack: 'apgd-ce', images: 500 },
  { model: 'mnist_small_0_3', norm: 'Linf', eps: 0.3, attack: 'apgd-dlr', images: 500 },
  { model: 'mnist_small_0_3', norm: 'Linf', eps: 0.3, attack: 'apgd-t', images: 100 },
  { model: 'mnist_small_0_3', norm: 'L2', eps: 1.5, attack: 'apgd-ce', images: 500 },
  { model: 'mnist_wong_kolter_0_1', norm: 'Linf', eps: 0.1, attack: 'apgd-dlr', images: 500 },
  { model: 'mnist_wong_kolter_0_1', norm: 'Linf', eps: 0.1, attack: 'apgd-t', images: 60 },
];

const folder = `${referenceDirectory}/attacks`;
const read = async (name: string) => JSON.parse(await readFile(`${folder}/${name}.json`, 'utf8'));
const kept = (flags: string) => [...flags].filter((flag) => flag === '1').length;

/** The official flags of the attack alone; as part of the whole evaluation, where it is the first. */
async function official({ model, norm, eps, attack }: Case): Promise<string> {
  const name = `${model}_${norm}_${String(eps).replace('.', 'p')}`;
  if (norm === 'L2') return (await read(name)).attacks[0].robust_flags_after;
  const { individual } = await read(`${name}_individual`);
  return individual.find((entry: { attack: string }) => entry.attack === attack).robust_flags;
}

describe.skipIf(referenceDirectory === null || dataDirectory === null)(
  'APGD on published robust networks (needs ../shared/reference and the MNIST files)',
  () => {
    let all: Float32Array;
    let labels: number[];
    beforeAll(async () => {
      registerGradients();
      const { test } = await readMnist(`${dataDirectory}/mnist`);
      all = viewSplit(test, 784).slice(0, 500);
      labels = [...test.labels.slice(0, 500)];
    });

    it.each(cases)('is as strong as the official $attack on $model, $norm $eps', async (given) => {
      const { model, norm, eps, attack, images } = given;
      const oracle = makeOracle(await loadPublished(model), [28, 28, 1], 10);
      const image = (i: number) => all.subarray(i * 784, (i + 1) * 784);
      const clean = oracle.ask(
        Array.from({ length: images }, (_, i) => ({ query: { x: image(i), loss: null }, label: labels[i]! })),
      );
      const right = [...clean.keys()].filter((i) => classOf(clean[i]!.logits) === labels[i]);
      const run = new AttackRun(
        right.length,
        attacks[attack]!,
        oracle,
        (k, attempt) => ({
          image: image(right[k]!),
          shape: [28, 28, 1],
          label: labels[right[k]!]!,
          target: null,
          cleanLogits: clean[right[k]!]!.logits,
          norm: norms[norm],
          eps,
          box: [0, 1],
          random: randomStream('accuracy', right[k]!, attempt),
        }),
        { batchSize: 128 },
      );
      while (run.step());
      const results = run.results();
      oracle.dispose();
      const flags = new Array<string>(images).fill('0');
      results.forEach(({ isAdversarial, x }, k) => {
        flags[right[k]!] = isAdversarial ? '0' : '1';
        expect(norms[norm].distance(image(right[k]!), x)).toBeLessThan(eps * (1 + 1e-5));
        expect(x.every((value) => value >= 0 && value <= 1)).toBe(true);
      });
      const expected = kept((await official(given)).slice(0, images));
      // 1 % of the images; at 0.3 the spread of the official seeds, which is larger for few images.
      const slack = eps === 0.3 ? Math.max(4, 0.015 * images) : Math.max(1, 0.01 * images);
      expect(kept(flags.join(''))).toBeGreaterThanOrEqual(expected - slack);
      expect(kept(flags.join(''))).toBeLessThanOrEqual(expected + slack);
      if (norm !== 'Linf') return;
      const { flags: certified } = await read(`certified_${model}_${String(eps).replace('.', 'p')}`);
      const broken = flags.filter((flag, i) => flag === '0' && certified[i] === '1');
      expect(broken).toEqual([]);
    });
  },
);
