/** A published network, imported and attacked by the command, against the flags that PyTorch gives for real images. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTable } from '../../../../store/tables.ts';
import { temporaryFolder } from '../../../store/support/temporary-folder.ts';
import { dataDirectory, referenceDirectory } from '../../../support/reference.ts';
import { model } from '../model/fixture.ts';
import { attack } from './fixture.ts';

const convolution = (channels: number) =>
  `{kind: conv, channels: ${channels}, kernel: 4, stride: 2, padding: 1}, relu`;
const NETWORK = `{kind: cnn, layers: [${convolution(16)}, ${convolution(32)}, flatten, {kind: dense, units: 100}, relu, dense]}`;
const IMAGES = 500;

interface Run {
  name: string;
  /** '1': stood at every iterate. */
  robust_flags_any_subset: string;
}

describe.skipIf(referenceDirectory === null || dataDirectory === null)(
  'published networks under attack (need ../shared/reference and the MNIST files)',
  () => {
    it('the same images stand FGSM and PGD-10', async () => {
      const folder = await temporaryFolder();
      const [net, runs] = [join(folder, 'mnist_small_0_3'), join(folder, 'runs')];
      const weights = join(referenceDirectory!, 'networks', 'mnist_small_0_3.safetensors');
      const imported = await model(
        ...['import', weights, net, '--network', NETWORK, '--shape', '28x28x1', '--classes', '10'],
      );
      expect(imported.code).toBe(0);
      const { code, stderr } = await attack(
        ...['--model', net, '--data', 'mnist', '--data-folder', dataDirectory!, '--runs', runs],
        ...['--eps', '0.3', '--attack', 'fgsm,pgd', '--steps', '10', '--n', String(IMAGES), '--quiet'],
      );
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const [artifact] = readdirSync(join(runs, 'artifacts')).filter((name) => name.startsWith('attack-'));
      const rows = await readTable(join(runs, 'artifacts', artifact!, 'images.parquet'));
      const path = join(referenceDirectory!, 'attacks', 'mnist_small_0_3_Linf_0p3_pgd.json');
      const reference = (JSON.parse(readFileSync(path, 'utf8')) as { runs: Run[] }).runs;
      for (const [attackName, name] of [
        ['fgsm Linf 0.3', 'fgsm'],
        ['pgd-10 Linf 0.3', 'pgd10'],
      ]) {
        const ours = rows.filter((row) => row.attack === attackName).map((row) => Number(row.survived));
        const theirs = reference.find((run) => run.name === name)!.robust_flags_any_subset;
        expect(ours.join('')).toBe(theirs);
      }
    }, 120_000);
  },
);
