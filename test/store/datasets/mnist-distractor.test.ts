import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readMnist } from '../../../store/datasets/mnist.ts';
import { readMnistDistractor } from '../../../store/datasets/mnist-distractor.ts';
import { wholeSplit } from '../support/in-memory.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const HALF = 784;

function idx(count: number, sides: number[], values: Uint8Array): Buffer {
  const header = Buffer.alloc(4 * (2 + sides.length));
  [0x800 + 1 + sides.length, count, ...sides].forEach((value, i) => {
    header.writeUInt32BE(value, 4 * i);
  });
  return Buffer.concat([header, values]);
}

async function digits(count: number): Promise<string> {
  const folder = await temporaryFolder();
  for (const split of ['train', 't10k']) {
    const pixels = Uint8Array.from({ length: count * HALF }, (_, i) => (i * 7) % 251);
    const labels = Uint8Array.from({ length: count }, (_, i) => i % 10);
    await writeFile(join(folder, `${split}-images-idx3-ubyte`), idx(count, [28, 28], pixels));
    await writeFile(join(folder, `${split}-labels-idx1-ubyte`), idx(count, [], labels));
  }
  return folder;
}

test('one half is the digit, the other the same letter; the region says which', async () => {
  const folder = await digits(300);
  const mnist = await readMnist(folder);
  const { train, shape, region } = await readMnistDistractor(folder, 3);
  expect([shape, region]).toEqual([[56, 28, 1], 'half with the digit']);
  const { images, labels, regions } = await wholeSplit(train);
  expect(labels).toEqual(mnist.train.labels);
  const letters = new Set<string>();
  let below = 0;
  for (let i = 0; i < 300; i++) {
    const [top, left, height, width] = regions.subarray(4 * i, 4 * i + 4);
    expect([left, height, width]).toEqual([0, 28, 28]);
    const half = top! / 28;
    below += half;
    const at = (part: number) =>
      Buffer.from(images.subarray((2 * i + part) * HALF, (2 * i + part + 1) * HALF));
    expect(at(half).equals(mnist.train.images.subarray(i * HALF, (i + 1) * HALF))).toBe(true);
    letters.add(at(1 - half).toString('hex'));
  }
  expect(letters.size).toBe(1);
  // Six deviations of a fair coin.
  expect(Math.abs(below - 150)).toBeLessThan(6 * Math.sqrt(75));
});

test('the place of each image hangs on seed, split and image alone', async () => {
  const folder = await digits(100);
  const [one, other] = [await readMnistDistractor(folder, 3), await readMnistDistractor(folder, 4)];
  const whole = await wholeSplit(one.train);
  const some = await wholeSplit(one.train, [5, 70, 99]);
  expect([...some.regions]).toEqual(
    [5, 70, 99].flatMap((i) => [...whole.regions.subarray(4 * i, 4 * i + 4)]),
  );
  expect((await wholeSplit(other.train)).regions).not.toEqual(whole.regions);
  expect((await wholeSplit(one.test)).regions).not.toEqual(whole.regions);
});
