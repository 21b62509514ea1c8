import { describe, expect, it } from 'vitest';
import { splitImages } from '../../../stages/train/held-out.ts';

/** 60 images: 30 of class 0, 20 of class 1, 4 of class 2, none of class 3, 6 of class 4. */
const labels = Uint16Array.of(
  ...[30, 20, 4, 0, 6].flatMap((count, label) => Array.from({ length: count }, () => label)),
);
const countsOf = (images: Uint32Array) =>
  [0, 1, 2, 3, 4].map((label) => images.filter((image) => labels[image] === label).length);

describe('images held out', () => {
  it('are as many of each class, as far as a class has so many', () => {
    expect(countsOf(splitImages(labels, 12, 0).heldOut)).toEqual([3, 3, 3, 0, 3]);
    expect(countsOf(splitImages(labels, 24, 0).heldOut)).toEqual([7, 7, 4, 0, 6]);
    const counts = countsOf(splitImages(labels, 10, 0).heldOut);
    expect(counts.toSorted()).toEqual([0, 2, 2, 3, 3]);
  });

  it('and those that are trained on are all images, each once, in order', () => {
    const { trained, heldOut } = splitImages(labels, 13, 5);
    expect(heldOut).toHaveLength(13);
    expect([...trained]).toEqual([...trained].sort((a, b) => a - b));
    expect([...trained, ...heldOut].sort((a, b) => a - b)).toEqual([...labels.keys()]);
    expect(splitImages(labels, 0, 5).trained).toEqual(Uint32Array.from(labels.keys()));
  });

  it('are drawn by the seed', () => {
    expect(splitImages(labels, 12, 1)).toEqual(splitImages(labels, 12, 1));
    expect(splitImages(labels, 12, 1).heldOut).not.toEqual(splitImages(labels, 12, 2).heldOut);
  });

  it('must leave some', () => {
    expect(() => splitImages(labels, 60, 0)).toThrow(
      'Expected train.validation.images to leave some of the 60 training images to train on, got 60; lower it.',
    );
  });
});
