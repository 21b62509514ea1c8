/** `pipeline attack` in this process, on small models and data of one's own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main } from '../../../../pipeline/cli.ts';
import { thisWorld } from '../../../../pipeline/world.ts';
import { modelFolder } from '../../../support/model-folder.ts';
import { temporaryFolder } from '../../../support/stage-context.ts';

/** Runs `pipeline attack …`. */
export async function attack(...words: string[]) {
  let [stdout, stderr] = ['', ''];
  const code = await main(['attack', ...words], {
    ...thisWorld(),
    environment: {},
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
  });
  return { code, stdout, stderr };
}

/** A file .npy of bytes. */
function npy(shape: number[], values: Uint8Array): Buffer {
  const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  const padded = `${header.padEnd(117)}\n`;
  const magic = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, padded.length, 0]);
  return Buffer.concat([magic, Buffer.from(padded), values]);
}

export const SIDE = 6;
export const CLASSES = 4;
export const TEST_IMAGES = 20;

/** Images of four classes, each bright in a corner of its own, as numpy arrays in the folder `corners`. */
export async function corners(): Promise<string> {
  const folder = join(temporaryFolder(), 'corners');
  mkdirSync(folder);
  for (const [split, count] of [
    ['train', 8],
    ['test', TEST_IMAGES],
  ] as const) {
    const images = new Uint8Array(count * SIDE * SIDE);
    const labels = Uint8Array.from({ length: count }, (_, i) => i % CLASSES);
    for (let i = 0; i < count; i++) {
      for (let at = 0; at < SIDE * SIDE; at++) {
        const corner = 2 * Number(Math.floor(at / SIDE) >= SIDE / 2) + Number(at % SIDE >= SIDE / 2);
        images[i * SIDE * SIDE + at] = (corner === labels[i] ? 150 : 80) + ((i * 7 + at * 13) % 40);
      }
    }
    writeFileSync(join(folder, `${split}_images.npy`), npy([count, SIDE, SIDE, 1], images));
    writeFileSync(join(folder, `${split}_labels.npy`), npy([count], labels));
  }
  return folder;
}

/** A network for {@link corners}; of another size or number of classes on request. */
export function cornersModel({ side = SIDE, classes = CLASSES, seed = 0 } = {}): Promise<string> {
  const network = { kind: 'mlp', hidden: [8] };
  return modelFolder({ network, shape: [side, side, 1], classes, seed });
}
