/** Square Attack on a published robust network: as many images stand as against the official code, and all certified ones. */
import '../../support/engine.ts';
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Answer, isLedAstray } from '../../../stages/numerics/attacks/attack.ts';
import { norms } from '../../../stages/numerics/attacks/norms.ts';
import { makeOracle, type Oracle } from '../../../stages/numerics/attacks/oracle.ts';
import { AttackRun } from '../../../stages/numerics/attacks/run-attacks.ts';
import { square } from '../../../stages/numerics/attacks/square.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { viewSplit } from '../../../store/dataset-artifact.ts';
import { readMnist } from '../../../store/datasets/mnist.ts';
import { loadPublished } from '../../support/published.ts';
import { dataDirectory, referenceDirectory } from '../../support/reference.ts';

const MODEL = 'mnist_small_0_3';
const COUNT = 500;
const SIZE = 784;

const attacksFolder = `${referenceDirectory}/attacks`;
const readReference = async (file: string) => JSON.parse(await readFile(`${attacksFolder}/${file}`, 'utf8'));
const survivors = (flags: string) => [...flags].filter((flag) => flag === '1').length;

describe.skipIf(referenceDirectory === null || dataDirectory === null)(
  'Square Attack on a published robust network (needs ../shared/reference and the MNIST files)',
  () => {
    let oracle: Oracle;
    let images: Float32Array;
    let labels: Uint16Array;
    let clean: Answer[];

    beforeAll(async () => {
      oracle = makeOracle(await loadPublished(MODEL), [28, 28, 1], 10);
      const { test } = await readMnist(`${dataDirectory}/mnist`);
      images = viewSplit(test, SIZE).slice(0, COUNT * SIZE);
      labels = test.labels.slice(0, COUNT);
      clean = oracle.ask([...labels].map((label, i) => ({ query: { x: imageOf(i), loss: null }, label })));
    });

    const imageOf = (i: number) => images.subarray(i * SIZE, (i + 1) * SIZE);

    /** '1' for each of the given images that is named rightly before and after, '0' for all others. */
    function flags(norm: 'Linf' | 'L2', eps: number, chosen: number[]): string {
      const standing = chosen.filter(
        (i) => !isLedAstray(clean[i]!.logits, { label: labels[i]!, target: null }),
      );
      const run = new AttackRun(
        standing.length,
        [square()],
        oracle,
        (k, attempt) => ({
          image: imageOf(standing[k]!),
          shape: [28, 28, 1],
          label: labels[standing[k]!]!,
          target: null,
          cleanLogits: clean[standing[k]!]!.logits,
          norm: norms[norm],
          eps,
          box: [0, 1],
          random: randomStream(0, 'attack', standing[k]!, attempt),
        }),
        { batchSize: 64 },
      );
      while (run.step());
      const survived = new Set<number>();
      run.results().forEach(({ isAdversarial }, k) => {
        if (!isAdversarial) survived.add(standing[k]!);
      });
      return Array.from({ length: COUNT }, (_, i) => (survived.has(i) ? '1' : '0')).join('');
    }

    it('breaks as many of 100 images in L∞ as the official code with any seed, and none that is certified', async () => {
      const count = 100;
      const found = flags('Linf', 0.3, [...Array(count).keys()]);
      const { rows } = (await readReference('seed_spread.json')) as {
        rows: { model: string; norm: string; eps: string; attack: string; flags: string }[];
      };
      const official = rows
        .filter(({ model, eps, attack }) => model === MODEL && eps === '0.3' && attack === 'square')
        .map((row) => survivors(row.flags.slice(0, count)));
      expect(official).toHaveLength(3);
      expect(survivors(found)).toBeGreaterThanOrEqual(Math.min(...official) - 1);
      expect(survivors(found)).toBeLessThanOrEqual(Math.max(...official) + 1);
      const certified: string = (await readReference('certified_mnist_small_0_3_0p3.json')).flags;
      const broken = [...Array(count).keys()].filter((i) => certified[i] === '1' && found[i] === '0');
      expect(broken).toEqual([]);
    });

    it('breaks as many of the images in L2 that other attacks left as the official code, give or take 5', async () => {
      const { attacks } = (await readReference('mnist_small_0_3_L2_1p5.json')) as {
        attacks: { attack: string; n_robust: number; robust_flags_after: string }[];
      };
      const left = attacks.find(({ attack }) => attack === 'fab-t')!.robust_flags_after;
      const official = attacks.find(({ attack }) => attack === 'square')!.n_robust;
      const found = flags(
        'L2',
        1.5,
        [...Array(COUNT).keys()].filter((i) => left[i] === '1'),
      );
      expect(survivors(left)).toBeGreaterThan(official + 5);
      expect(Math.abs(survivors(found) - official)).toBeLessThanOrEqual(5);
    });
  },
);
