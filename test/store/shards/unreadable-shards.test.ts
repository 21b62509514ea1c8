/** What is there and cannot be read is told as such, not as a fault of the program. */
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { translateReadError } from '../../../store/read-error.ts';
import { toDamage, translateDamage } from '../../../store/shards/check-shard.ts';
import { readStoreInfo } from '../../../store/shards/store-layout.ts';
import { verifyStore } from '../../../store/shards/verify-store.ts';
import { makeStore } from './temporary-stores.ts';

const refusal = (code: string, path?: string) => Object.assign(new Error(code), { code, path });
const WHAT_TO_DO = 'Put that right, then run the same command again.';

test.each([
  ['EACCES', 'permission is denied (EACCES)'],
  ['EPERM', 'permission is denied (EPERM)'],
  ['EIO', 'the disk fails (EIO)'],
])('%s is put into words', (code, found) => {
  const error = {
    code: 'NOT_READABLE',
    message: `Expected access to /s/shard-00001.arrow, found that ${found}. ${WHAT_TO_DO}`,
  };
  expect(translateReadError(refusal(code), '/s/shard-00001.arrow')).toMatchObject(error);
  expect(translateDamage(refusal(code), '/s', 'shard-00001.arrow')).toMatchObject(error);
  expect(toDamage(refusal(code), 'shard-00001.arrow')).toEqual({ file: 'shard-00001.arrow', found });
  const record = translateReadError(refusal(code, '/s/shard-00001.json'), '/s/shard-00001.json');
  expect(toDamage(record, 'shard-00001.arrow')).toEqual({ file: 'shard-00001.json', found });
  expect(translateDamage(record, '/s', 'shard-00001.arrow')).toBe(record);
});

test('any other error stays what it is', () => {
  const error = refusal('EMFILE');
  expect(translateReadError(error, '/s')).toBe(error);
  expect(translateDamage(error, '/s', 'x')).toBe(error);
  expect(toDamage(error, 'x')).toBeNull();
});

test.skipIf(process.getuid?.() === 0)('a store without permission to read is told', async () => {
  const { directory } = await makeStore();
  for (const name of ['shard-00000.arrow', 'shard-00001.json']) await chmod(join(directory, name), 0);
  const found = 'permission is denied (EACCES)';
  expect((await verifyStore(directory)).damages).toEqual([
    { file: 'shard-00000.arrow', found },
    { file: 'shard-00001.json', found },
  ]);
  await chmod(join(directory, 'store.json'), 0);
  await expect(readStoreInfo(directory)).rejects.toMatchObject({ code: 'NOT_READABLE' });
});
