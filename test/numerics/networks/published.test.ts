/** Published networks, as networks of ours, on the images for which PyTorch's logits are known. */
import '../../support/engine.ts';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { tf } from '../../../stages/numerics/tensor/tf.ts';
import { viewSplit } from '../../../store/dataset-artifact.ts';
import { readMnist } from '../../../store/datasets/mnist.ts';
import { loadPublished } from '../../support/published.ts';
import { dataDirectory, referenceDirectory } from '../../support/reference.ts';

interface Known {
  first16: { logits_f64: number[][] };
  clean_pred_first1000: number[];
}

describe.skipIf(referenceDirectory === null || dataDirectory === null)(
  'published networks (need ../shared/reference and the MNIST files)',
  () => {
    it.each(['mnist_small_0_3', 'mnist_wong_kolter_0_1'] as const)(
      '%s has the logits and the predictions that PyTorch gives it',
      async (name) => {
        const text = await readFile(`${referenceDirectory}/networks/${name}_logits.json`, 'utf8');
        const known = JSON.parse(text) as Known;
        const { test } = await readMnist(`${dataDirectory}/mnist`);
        const logitsOf = await loadPublished(name);
        const images = viewSplit(test, 784).slice(0, 1000);
        const logits = logitsOf(tf.tensor(images, [1000, 28, 28, 1]));
        expect([...tf.argMax(logits, 1).dataSync()]).toEqual(known.clean_pred_first1000);
        (logits.arraySync() as number[][]).slice(0, 16).forEach((row, i) => {
          row.forEach((value, k) => {
            expect(Math.abs(value - known.first16.logits_f64[i]![k]!)).toBeLessThan(2e-5);
          });
        });
      },
    );
  },
);
