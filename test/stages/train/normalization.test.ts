import { describe, expect, it } from 'vitest';
import { normalizationOf } from '../../../stages/train/normalization.ts';
import type { Dataset } from '../../../store/dataset-artifact.ts';
import { viewSplit } from '../../../store/dataset-artifact.ts';

/** Three images of 1 × 2 pixels with 3 channels. */
const images = Uint8Array.of(0, 51, 7, 102, 51, 7, 204, 51, 7, 51, 51, 7, 255, 51, 7, 255, 51, 7);
const train = viewSplit({ images, labels: Uint16Array.of(0, 1, 0) }, 6);
const dataset = { train, size: 6, info: { name: 'made', shape: [1, 2, 3] } } as unknown as Dataset;
const ALL = Uint32Array.of(0, 1, 2);

describe('the normalisation', () => {
  it('of the data set has mean and standard deviation of each channel, in pixels of [0, 1]', () => {
    const { mean, std } = normalizationOf({ normalization: 'dataset' }, dataset, ALL) as {
      mean: number[];
      std: number[];
    };
    // Channel 0 holds 0, 102, 204, 51, 255 and 255 of 255: 0, 0.4, 0.8, 0.2, 1 and 1.
    expect(mean[0]).toBeCloseTo(3.4 / 6, 6);
    expect(std[0]).toBeCloseTo(Math.sqrt((0.16 + 0.64 + 0.04 + 1 + 1) / 6 - (3.4 / 6) ** 2), 6);
    // Channels 1 and 2 are the same everywhere, so they are shifted and left as wide as they are.
    expect(mean[1]).toBeCloseTo(0.2, 6);
    expect(mean[2]).toBeCloseTo(7 / 255, 6);
    expect(std.slice(1)).toEqual([1, 1]);
  });

  it('of the data set looks only at the images that are trained on', () => {
    const { mean } = normalizationOf({ normalization: 'dataset' }, dataset, Uint32Array.of(0, 2));
    expect((mean as number[])[0]).toBeCloseTo((0 + 0.4 + 1 + 1) / 4, 6);
  });

  it('is taken as it is written where it fits', () => {
    for (const normalization of [
      { mean: 0.5, std: 0.25 },
      { mean: [0.4, 0.5, 0.6], std: 1 },
    ]) {
      expect(normalizationOf({ normalization }, dataset, ALL)).toEqual(normalization);
    }
  });

  it('of another number of channels is refused', () => {
    const two = { mean: 0, std: [0.2, 0.3] };
    expect(() => normalizationOf({ normalization: two }, dataset, ALL)).toThrow(
      'Expected train.normalization.std to be one number or one for each channel of made (3), got 2 numbers; write 3, or one number for all channels.',
    );
    const one = { mean: [0.5], std: 1 };
    expect(() => normalizationOf({ normalization: one }, dataset, ALL)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
