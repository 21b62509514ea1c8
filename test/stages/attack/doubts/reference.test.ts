/** Doubts about published robust networks, and about the official attack's figures for them. */
import '../../../support/engine.ts';
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Doubt } from '../../../../schemas/attack-results.ts';
import { resultDoubts } from '../../../../stages/attack/doubts/results.ts';
import { victimDoubts } from '../../../../stages/attack/doubts/victim.ts';
import { makeOracle } from '../../../../stages/numerics/attacks/oracle.ts';
import { registerGradients } from '../../../../stages/numerics/gradients/register.ts';
import { tf } from '../../../../stages/numerics/tensor/tf.ts';
import { viewSplit } from '../../../../store/dataset-artifact.ts';
import { readMnist } from '../../../../store/datasets/mnist.ts';
import { loadPublished, type PublishedName } from '../../../support/published.ts';
import { dataDirectory, referenceDirectory } from '../../../support/reference.ts';
import { attackedOf, setting } from './fixture.ts';

const COUNT = 128;
const SIZE = 784;

describe.skipIf(referenceDirectory === null || dataDirectory === null)(
  'doubts about published networks (needs ../shared/reference and the MNIST files)',
  () => {
    let images: Float32Array[];
    let labels: Uint16Array;

    beforeAll(async () => {
      registerGradients();
      const { test } = await readMnist(`${dataDirectory}/mnist`);
      const values = viewSplit(test, SIZE).slice(0, COUNT);
      images = Array.from({ length: COUNT }, (_, i) => values.subarray(i * SIZE, (i + 1) * SIZE));
      labels = test.labels.slice(0, COUNT);
    });

    async function doubtsAbout(name: PublishedName, scale = 1): Promise<Doubt[]> {
      const network = await loadPublished(name);
      const logitsOf = (x: tf.Tensor) => tf.mul(network(x), scale) as tf.Tensor2D;
      const oracle = makeOracle(logitsOf, [28, 28, 1], 10);
      const doubts = victimDoubts({ oracle, images, labels, box: [0, 1], batchSize: 64 }, [setting()]);
      oracle.dispose();
      return doubts;
    }

    it('are none before networks of known robustness are attacked', async () => {
      expect(await doubtsAbout('mnist_wong_kolter_0_1')).toEqual([]);
      expect(await doubtsAbout('mnist_small_0_3')).toEqual([]);
    });

    it('arise once their logits are scaled', async () => {
      expect(kinds(await doubtsAbout('mnist_wong_kolter_0_1', 1000))).toEqual(['zero-gradients']);
      expect(kinds(await doubtsAbout('mnist_wong_kolter_0_1', 5))).toEqual(['vanishing-gradients']);
    });
  },
);

/** The parts of the official files that are read here; flags are '1' for an image that survived. */
interface Cascade {
  norm: string;
  eps: number;
  labels: number[];
  clean_pred: number[];
  attacks: { attack: string; robust_flags_after: string }[];
}
interface Individual extends Omit<Cascade, 'attacks'> {
  individual: { attack: string; robust_flags: string }[];
}

describe.skipIf(referenceDirectory === null)(
  'doubts about official figures (need ../shared/reference)',
  () => {
    const read = async <T>(name: string) =>
      JSON.parse(await readFile(`${referenceDirectory}/attacks/${name}.json`, 'utf8')) as T;
    const judged = ({ labels }: { labels: number[] }) => ({ labels, size: SIZE, box: [0, 1] as const });
    const cleanFlags = ({ labels, clean_pred }: Pick<Cascade, 'labels' | 'clean_pred'>) =>
      labels.map((label, i) => (clean_pred[i] === label ? '1' : '0')).join('');

    it.each([
      ['mnist_small_0_3_Linf_0p3', ['square-wins']],
      ['mnist_small_0_3_L2_1p5', ['square-wins']],
      ['mnist_small_0_3_Linf_0p1', []],
      ['mnist_wong_kolter_0_1_Linf_0p1', []],
    ])('of AutoAttack: %s %j', async (name, expected) => {
      const file = await read<Cascade>(name);
      const parts = file.attacks.map((part): [string, string] => [part.attack, part.robust_flags_after]);
      const given = { method: 'auto-attack', norm: file.norm, eps: [file.eps] };
      const attacked = attackedOf(given, parts.at(-1)![1], { parts, cleanFlags: cleanFlags(file) });
      expect(kinds(resultDoubts([attacked], judged(file)))).toEqual(expected);
    });

    it.each([
      ['mnist_small_0_3_Linf_0p3', ['square-wins']],
      ['mnist_small_0_3_Linf_0p1', []],
      ['mnist_wong_kolter_0_1_Linf_0p1', []],
    ])('of its attacks side by side: %s %j', async (name, expected) => {
      const file = await read<Individual>(`${name}_individual`);
      const attacked = file.individual.map(({ attack, robust_flags }) =>
        attackedOf({ method: attack, norm: file.norm, eps: [file.eps] }, robust_flags, {
          cleanFlags: cleanFlags(file),
        }),
      );
      expect(kinds(resultDoubts(attacked, judged(file)))).toEqual(expected);
    });

    it('of PGD: more steps still help where L2 1.5 is allowed', async () => {
      interface Runs {
        runs: { name: string; steps: number; robust_flags_any_subset: string }[];
      }
      const found = async (name: string, norm: string, eps: number) => {
        const { runs } = await read<Runs>(`${name}_pgd`);
        const plain = runs.filter((run) => ['fgsm', 'pgd10', 'pgd40'].includes(run.name));
        const attacked = plain.map(({ name: run, steps, robust_flags_any_subset }) =>
          attackedOf(
            { norm, eps: [eps], ...(run === 'fgsm' ? { method: 'fgsm' } : { steps }) },
            robust_flags_any_subset,
          ),
        );
        return kinds(resultDoubts(attacked, { labels: [], size: SIZE, box: [0, 1] }));
      };
      expect(await found('mnist_small_0_3_L2_1p5', 'L2', 1.5)).toEqual(['not-converged']);
      expect(await found('mnist_small_0_3_Linf_0p3', 'Linf', 0.3)).toEqual([]);
      expect(await found('mnist_wong_kolter_0_1_Linf_0p1', 'Linf', 0.1)).toEqual([]);
    });
  },
);

function kinds(doubts: readonly Doubt[]): string[] {
  return doubts.map(({ kind }) => kind);
}
