import { expect, test } from 'vitest';
import { SharedProgress } from '../../pipeline/shared-progress.ts';

const line = (done: number, underway: number, total = 100) => ({ done, underway, total, unit: 'images' });

test('what is finished counts once, what is under way for each worker', () => {
  const progress = new SharedProgress();
  const [one, other] = [{}, {}];
  expect(progress.read(one, { ...line(15, 5), figures: { loss: 2 } })).toEqual({
    done: 15,
    total: 100,
    unit: 'images',
    figures: { loss: 2 },
  });
  expect(progress.read(other, line(17, 7)).done).toBe(22);
  // The other has finished its ten and begun the next ones; the first has not yet seen that.
  expect(progress.read(other, line(21, 1)).done).toBe(26);
  expect(progress.read(one, line(18, 8)).done).toBe(29);
  progress.leave(other);
  expect(progress.read(one, line(30, 10)).done).toBe(30);
});

test('it neither goes back nor beyond the total', () => {
  const progress = new SharedProgress();
  const [one, other] = [{}, {}];
  progress.read(one, line(60, 20));
  progress.read(other, line(60, 20));
  // The first has finished its shard, which the other has not told yet.
  expect(progress.read(other, line(90, 30, 95)).done).toBe(95);
  progress.leave(one);
  expect(progress.read(other, line(70, 10)).done).toBe(95);
});

test('a stage that shares nothing is told as it is', () => {
  const plain = { done: 3, total: 6, unit: 'steps' };
  expect(new SharedProgress().read({}, plain)).toEqual(plain);
});
