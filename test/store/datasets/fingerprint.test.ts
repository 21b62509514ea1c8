import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { variantConfigSchema } from '../../../schemas/config.ts';
import { datasetFingerprint } from '../../../store/datasets/fingerprint.ts';

const data = () => mkdtempSync(join(tmpdir(), 'pag-fingerprint-'));
const config = (dataset: object) => variantConfigSchema.parse({ dataset }).dataset;

function pictures(root: string, contents: Record<string, string>): void {
  for (const [path, text] of Object.entries(contents)) {
    mkdirSync(join(root, 'pets', path, '..'), { recursive: true });
    writeFileSync(join(root, 'pets', path), text);
  }
}

describe('the fingerprint of a data set', () => {
  const pets = config({ name: 'folder', folder: 'pets', size: 8 });
  const files = { 'train/cat/1.png': 'a', 'train/dog/1.png': 'b', 'test/cat/1.png': 'c' };

  it('is the same for the same files in another place', async () => {
    const [one, other] = [data(), data()];
    pictures(one, files);
    pictures(other, files);
    expect(await datasetFingerprint(one, pets)).toMatch(/^[0-9a-f]{16}$/);
    expect(await datasetFingerprint(other, pets)).toBe(await datasetFingerprint(one, pets));
  });

  it.each([
    ['a changed picture', { ...files, 'test/cat/1.png': 'd' }],
    ['a new picture', { ...files, 'test/cat/2.png': 'd' }],
    ['a picture that moved to another class', { ...files, 'train/dog/1.png': 'a', 'train/cat/1.png': 'b' }],
  ])('changes with %s', async (_, changed) => {
    const [one, other] = [data(), data()];
    pictures(one, files);
    pictures(other, changed);
    expect(await datasetFingerprint(other, pets)).not.toBe(await datasetFingerprint(one, pets));
  });

  it('counts what links lead to, as the readers do, and ends where they lead back', async () => {
    const [one, linked] = [data(), data()];
    pictures(one, files);
    mkdirSync(join(linked, 'pets'));
    for (const split of ['train', 'test']) symlinkSync(join(one, 'pets', split), join(linked, 'pets', split));
    const before = await datasetFingerprint(one, pets);
    expect(await datasetFingerprint(linked, pets)).toBe(before);
    symlinkSync(join(linked, 'pets'), join(linked, 'pets/again'));
    symlinkSync('nowhere', join(linked, 'pets/lost'));
    expect(await datasetFingerprint(linked, pets)).toBe(before);
    writeFileSync(join(one, 'pets/train/cat/1.png'), 'd');
    expect(await datasetFingerprint(linked, pets)).not.toBe(before);
  });

  it('of a named set counts its own files only, packed or not', async () => {
    const root = data();
    mkdirSync(join(root, 'mnist'));
    writeFileSync(join(root, 'mnist/train-images-idx3-ubyte.gz'), 'a');
    const before = await datasetFingerprint(root, config({ name: 'mnist' }));
    writeFileSync(join(root, 'mnist/notes.txt'), 'b');
    expect(await datasetFingerprint(root, config({ name: 'mnist' }))).toBe(before);
    writeFileSync(join(root, 'mnist/t10k-labels-idx1-ubyte'), 'c');
    expect(await datasetFingerprint(root, config({ name: 'mnist' }))).not.toBe(before);
  });

  it('of a large set counts sizes, and places of large files', async () => {
    const numpy = config({ name: 'numpy', folder: 'pets' });
    const make = (change: (large: Buffer) => void = () => undefined, small = 'a') => {
      const root = data();
      const large = Buffer.alloc(9_000_000, 5);
      change(large);
      pictures(root, { 'train.npz': small });
      writeFileSync(join(root, 'pets/test.npz'), large);
      return datasetFingerprint(root, numpy, 1000);
    };
    const before = await make();
    expect(await make()).toBe(before);
    expect(before).toMatch(/^[0-9a-f]{16}$/);
    expect(await make(undefined, 'ab')).not.toBe(before);
    for (const place of [0, 65_535, 8_999_999]) {
      expect(
        await make((large) => {
          large[place] = 6;
        }),
      ).not.toBe(before);
    }
  });

  it('is left out where nothing is read or nothing is there; USPS is always there', async () => {
    expect(await datasetFingerprint(null, config({ name: 'toy' }))).toBeUndefined();
    expect(await datasetFingerprint(null, config({ name: 'mnist' }))).toBeUndefined();
    expect(await datasetFingerprint(data(), pets)).toBeUndefined();
    expect(await datasetFingerprint(null, config({ name: 'usps' }))).toMatch(/^[0-9a-f]{16}$/);
  });
});
