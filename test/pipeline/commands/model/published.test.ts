/** Published networks, imported by the command, against the logits that PyTorch gives for real images. */
import '../../../support/engine.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { registerGradients } from '../../../../stages/numerics/gradients/register.ts';
import { loadClassifier } from '../../../../stages/numerics/networks/trained-classifier.ts';
import { tf } from '../../../../stages/numerics/tensor/tf.ts';
import { viewSplit } from '../../../../store/dataset-artifact.ts';
import { readMnist } from '../../../../store/datasets/mnist.ts';
import { temporaryFolder } from '../../../store/support/temporary-folder.ts';
import { dataDirectory, referenceDirectory } from '../../../support/reference.ts';
import { model } from './fixture.ts';

const convolution = (channels: number) =>
  `{kind: conv, channels: ${channels}, kernel: 4, stride: 2, padding: 1}, relu`;
const NETWORK = `{kind: cnn, layers: [${convolution(16)}, ${convolution(32)}, flatten, {kind: dense, units: 100}, relu, dense]}`;
const PREDICTED = 1000;

interface Figures {
  clean_pred_first1000: number[];
  first16: { logits: number[][] };
}

describe.skipIf(referenceDirectory === null || dataDirectory === null)(
  'published networks (need ../shared/reference and the MNIST files)',
  () => {
    let images: tf.Tensor;

    beforeAll(async () => {
      registerGradients();
      const { test, shape } = await readMnist(join(dataDirectory!, 'mnist'));
      images = tf.tensor(viewSplit(test, 28 * 28).slice(0, PREDICTED), [PREDICTED, ...shape]);
    });

    it.each(['mnist_small_0_3', 'mnist_wong_kolter_0_1'])('%s', async (name) => {
      const folder = join(await temporaryFolder(), 'model');
      const file = join(referenceDirectory!, 'networks', name);
      const { stderr, stdout } = await model(
        ...['import', `${file}.safetensors`, folder],
        ...['--network', NETWORK, '--shape', '28x28x1', '--classes', '10'],
      );
      expect(stderr).toBe('');
      expect(stdout).toBe(
        `Imported cnn (166,406 parameters) for inputs of 28x28x1 and 10 classes into ${folder}.\n` +
          'Without --mean and --std, it takes pixels in [0, 1] as they are.\n' +
          `Look at it with: pipeline model show ${folder}\n`,
      );
      const expected: Figures = JSON.parse(readFileSync(`${file}_logits.json`, 'utf8'));
      const logitsOf = await loadClassifier(folder);
      const logits = (await logitsOf(images).array()) as number[][];
      expect(logits.map((row) => row.indexOf(Math.max(...row)))).toEqual(expected.clean_pred_first1000);
      const largest = Math.max(...expected.first16.logits.flat().map(Math.abs));
      const errors = expected.first16.logits.flatMap((row, i) =>
        row.map((value, j) => logits[i]![j]! - value),
      );
      expect(Math.max(...errors.map(Math.abs)) / largest).toBeLessThan(2e-6);
    });
  },
);
