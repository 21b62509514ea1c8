/** FGSM and PGD against PyTorch's figures on a published robust network, image by image. */
import '../../support/engine.ts';
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { fgsm } from '../../../stages/numerics/attacks/fgsm.ts';
import { pgd } from '../../../stages/numerics/attacks/pgd.ts';
import type { AttackOptions, LogitsOf } from '../../../stages/numerics/attacks/tensor-attack.ts';
import { hasSucceeded } from '../../../stages/numerics/attacks/tensor-losses.ts';
import { norms } from '../../../stages/numerics/attacks/tensor-norms.ts';
import { registerGradients } from '../../../stages/numerics/gradients/register.ts';
import { randomStream } from '../../../stages/numerics/tensor/random.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';
import { viewSplit } from '../../../store/dataset-artifact.ts';
import { readMnist } from '../../../store/datasets/mnist.ts';
import { loadPublished } from '../../support/published.ts';
import { dataDirectory, referenceDirectory } from '../../support/reference.ts';

const MODEL = 'mnist_small_0_3';
const COUNT = 500;

interface Run {
  name: string;
  steps: number;
  step_size: number;
  targeted: boolean;
  robust_flags_any_subset: string;
  target_success_subset?: number;
}

describe.skipIf(referenceDirectory === null || dataDirectory === null)(
  'attacks on a published robust network (needs ../shared/reference and the MNIST files)',
  () => {
    let logitsOf: LogitsOf;
    let images: Float32Array;
    let labels: Uint16Array;

    beforeAll(async () => {
      registerGradients();
      logitsOf = await loadPublished(MODEL);
      const { test } = await readMnist(`${dataDirectory}/mnist`);
      images = viewSplit(test, 784).slice(0, COUNT);
      labels = test.labels.slice(0, COUNT);
    });

    /** '1' for each image that survives, in the manner of the reference files. */
    function flags(attack: typeof pgd, options: AttackOptions, targeted: boolean): string {
      return tf.tidy(() => {
        const x = tf.tensor(images, [COUNT, 28, 28, 1]);
        const classes = targeted ? labels.map((label) => (label + 1) % 10) : labels;
        const adversarial = attack(logitsOf, { x, classes, targeted }, options);
        const done = hasSucceeded(logitsOf(adversarial), { classes, targeted });
        return done.map((hit) => (hit ? '0' : '1')).join('');
      });
    }

    const cases = [
      { file: 'Linf_0p1', norm: 'Linf', eps: 0.1 },
      { file: 'L2_1p5', norm: 'L2', eps: 1.5 },
    ] as const;

    it.each(cases)('has the same flags as PyTorch for FGSM and PGD, $norm', async ({ file, norm, eps }) => {
      const text = await readFile(`${referenceDirectory}/attacks/${MODEL}_${file}_pgd.json`, 'utf8');
      const runs = (JSON.parse(text) as { runs: Run[] }).runs;
      for (const name of ['fgsm', 'pgd10', 'pgd40']) {
        const run = runs.find((candidate) => candidate.name === name)!;
        const options = {
          norm: norms[norm],
          eps,
          steps: run.steps,
          stepSize: run.step_size,
          randomStart: false,
          box: [0, 1] as const,
          randomOf: (i: number) => randomStream(i),
        };
        const found = flags(name === 'fgsm' ? fgsm : pgd, options, false);
        const different = [...found].filter((flag, i) => flag !== run.robust_flags_any_subset[i]).length;
        expect({ name, different }).toEqual({ name, different: 0 });
      }
    });

    it('reaches as many targets as PyTorch with targeted PGD', async () => {
      const text = await readFile(`${referenceDirectory}/attacks/${MODEL}_L2_1p5_pgd.json`, 'utf8');
      const run = (JSON.parse(text) as { runs: Run[] }).runs.find(({ name }) => name === 'pgd40_targeted')!;
      const options = {
        norm: norms.L2,
        eps: 1.5,
        steps: run.steps,
        stepSize: run.step_size,
        randomStart: false,
        box: [0, 1] as const,
        randomOf: (i: number) => randomStream(i),
      };
      const reached = [...flags(pgd, options, true)].filter((flag) => flag === '0').length;
      // One image more or less: an image that touches its target on the way keeps it here.
      expect(Math.abs(reached - run.target_success_subset! * COUNT)).toBeLessThanOrEqual(1);
    });
  },
);
