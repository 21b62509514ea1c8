import { describe, expect, it } from 'vitest';
import { balance, chosenClasses, first, holdOut, ofClasses } from '../../../stages/dataset/select.ts';

const names = ['cat', 'dog', 'owl'];
/** 60 of class 0, 30 of class 1, 10 of class 2, mixed. */
const labels = Uint16Array.from({ length: 100 }, (_, i) => (i % 10 === 9 ? 2 : i % 10 < 6 ? 0 : 1));
const whole = ofClasses(labels, [0, 1, 2]);
const counts = (of: Uint16Array) => [0, 1, 2].map((label) => of.filter((other) => other === label).length);

describe('chosen classes', () => {
  it('are kept in the given order, by name or place', () => {
    expect(chosenClasses({ name: 'cifar10', classes: ['owl', 0] }, names)).toEqual([2, 0]);
    expect(chosenClasses({ name: 'cifar10' }, names)).toEqual([0, 1, 2]);
    const { indices, labels: renamed } = ofClasses(labels, [2, 0]);
    expect(indices).toHaveLength(70);
    expect([...indices].every((index, i) => labels[index] === [2, 0][renamed[i]!])).toBe(true);
  });

  it.each([['cow'], [3]])('that are unknown are refused: %s', (wanted) => {
    expect(() => chosenClasses({ name: 'cifar10', classes: ['cat', wanted] }, ['cat', 'dog', 'owl'])).toThrow(
      `Expected dataset.classes to name classes of cifar10 (cat, dog, owl) or places from 0 to 2, found ${JSON.stringify(wanted)}.`,
    );
  });

  it('that are named twice, by name and by place, are refused', () => {
    expect(() => chosenClasses({ name: 'cifar10', classes: ['dog', 0, 1] }, names)).toThrow(
      'Expected dataset.classes to name each class of cifar10 once, found dog by name and by place.',
    );
  });

  it('are not all listed where there are many', () => {
    const many = Array.from({ length: 30 }, (_, i) => `c${i}`);
    expect(() => chosenClasses({ name: 'folder', classes: ['x'] }, many)).toThrow(/\(c0, .*, c19, …\)/);
  });
});

describe('validation images', () => {
  it('have the classes in the proportions of the whole, and are no longer trained on', () => {
    const { kept, heldOut } = holdOut(whole, { images: 25 }, 3);
    expect(counts(heldOut.labels)).toEqual([15, 8, 2]);
    expect(kept.indices.length + heldOut.indices.length).toBe(100);
    expect(new Set([...kept.indices, ...heldOut.indices]).size).toBe(100);
    expect([...heldOut.indices]).toEqual([...heldOut.indices].sort((a, b) => a - b));
    expect([...heldOut.indices].map((index) => labels[index])).toEqual([...heldOut.labels]);
    expect(holdOut(whole, { share: 0.25 }, 3)).toEqual({ kept, heldOut });
    expect(holdOut(whole, { images: 25 }, 4).heldOut.indices).not.toEqual(heldOut.indices);
  });

  it.each([
    [{ images: 100 }, 100],
    [{ share: 0.001 }, 0],
  ])('must leave and be something: %j', (wanted, found) => {
    expect(() => holdOut(whole, wanted, 0)).toThrow(
      `Expected dataset.validation to hold out at least one and not all of the 100 training images, found ${found}.`,
    );
  });
});

describe('a balanced part', () => {
  it('has as many of each class, drawn by the seed', () => {
    const part = balance(whole, 10, 1, names);
    expect(counts(part.labels)).toEqual([10, 10, 10]);
    expect(balance(whole, 10, 1, names)).toEqual(part);
    expect(balance(whole, 10, 2, names)).not.toEqual(part);
    expect(first(part, 4).indices).toEqual(part.indices.slice(0, 4));
  });

  it('cannot have more than there are', () => {
    expect(() => balance(whole, 11, 1, names)).toThrow(
      'Expected at least 11 training images of every class, as dataset.perClass says, found 10 of owl.',
    );
  });
});
