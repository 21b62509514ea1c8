import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { prefetch } from '../../../store/shards/prefetch.ts';

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

test('values come in order, also when later ones are ready first', async () => {
  const values = prefetch(6, async (index) => sleep(index % 2 === 0 ? 20 : 1, index), 3);
  expect(await collect(values)).toEqual([0, 1, 2, 3, 4, 5]);
});

test('it starts at any index', async () => {
  expect(await collect(prefetch(5, async (index) => index, 2, 3))).toEqual([3, 4]);
  expect(await collect(prefetch(5, async (index) => index, 2, 5))).toEqual([]);
});

test('a function may say when it ends', async () => {
  let left = 3;
  const values = prefetch(
    () => left-- > 0,
    async (index) => index * 10,
  );
  expect(await collect(values)).toEqual([0, 10, 20]);
});

test('it is never more than its depth ahead, and always so far', async () => {
  const started: number[] = [];
  const values = prefetch(100, async (index) => started.push(index), 3);
  await nextTurn();
  expect(started.length).toBe(0);
  for (let taken = 1; taken <= 10; taken++) {
    await values.next();
    await nextTurn();
    expect(started.length).toBe(taken + 3);
  }
  await values.return?.();
});

test('makes are under way at the same time', async () => {
  let running = 0;
  let most = 0;
  const values = prefetch(
    8,
    async () => {
      most = Math.max(most, ++running);
      await sleep(5);
      running--;
    },
    4,
  );
  await collect(values);
  expect(most).toBe(4);
});

test.each([
  ['rejects', () => Promise.reject(new Error('no third'))],
  [
    'throws',
    () => {
      throw new Error('no third');
    },
  ],
])('an error surfaces at its index when make %s, and ends it', async (_, fail) => {
  const started: number[] = [];
  const values = prefetch(
    10,
    (index) => {
      started.push(index);
      return index === 2 ? fail() : sleep(1, index);
    },
    4,
  );
  expect(await values.next()).toEqual({ done: false, value: 0 });
  expect(await values.next()).toEqual({ done: false, value: 1 });
  await expect(values.next()).rejects.toThrow(new Error('no third'));
  const count = started.length;
  expect(await values.next()).toEqual({ done: true, value: undefined });
  await sleep(5);
  expect(started.length).toBe(count);
});

test('leaving the loop waits for what is under way and starts nothing more', async () => {
  let [started, ended] = [0, 0];
  const values = prefetch(
    100,
    async () => {
      started++;
      await sleep(10);
      ended++;
    },
    5,
  );
  for await (const _ of values) break;
  expect(started).toBe(6);
  expect(ended).toBe(6);
  await sleep(20);
  expect(started).toBe(6);
});

test('an error of a value that is never asked for is not an unhandled one', async () => {
  const values = prefetch(10, async (index) => {
    if (index > 0) throw new Error('unseen');
    return index;
  });
  for await (const value of values) {
    expect(value).toBe(0);
    await sleep(5);
    break;
  }
});
