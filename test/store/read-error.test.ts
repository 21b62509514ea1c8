import { symlinkSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { damagedData } from '../../store/datasets/dataset-source.ts';
import { translateReadError } from '../../store/read-error.ts';
import { temporaryFolder } from './support/temporary-folder.ts';
import { thrownBy } from './support/thrown-by.ts';

const translated = (work: Promise<unknown>) =>
  thrownBy(work.catch((error) => Promise.reject(translateReadError(error))));

describe('a file that cannot be read', () => {
  it('is told by the reason of the system', async () => {
    const folder = await temporaryFolder();
    const [ring, file] = [join(folder, 'ring'), join(folder, 'file')];
    symlinkSync(ring, ring);
    writeFileSync(file, '');
    expect(await translated(readFile(ring))).toEqual({
      code: 'NOT_READABLE',
      message: `Expected access to ${ring}, found that it is a link that leads back to itself (ELOOP). Put that right, then run the same command again.`,
    });
    expect((await translated(readdir(file))).message).toBe(
      `Expected access to ${file}, found that a file stands where a folder should be (ENOTDIR). Put that right, then run the same command again.`,
    );
  });

  it.each([
    ['EACCES', 'permission is denied'],
    ['EPERM', 'permission is denied'],
    ['EIO', 'the disk fails'],
  ])('%s: %s', (code, reason) => {
    const error = Object.assign(new Error('x'), { code, path: '/data/x' });
    const message = `Expected access to /data/x, found that ${reason} (${code}). Put that right, then run the same command again.`;
    expect(translateReadError(error)).toMatchObject({ code: 'NOT_READABLE', message, cause: error });
    expect(damagedData('/data/x', 'a picture', 'none', error)).toMatchObject({
      code: 'NOT_READABLE',
      message,
    });
  });

  it('is left as it is for any other reason', () => {
    for (const error of [null, 'x', new Error('x'), Object.assign(new Error('x'), { code: 'EACCES' })]) {
      expect(translateReadError(error)).toBe(error);
    }
  });
});
