/** Mean, spread and range of each channel over many images, in one pass. */
import type { SplitStatistics } from '../../schemas/dataset.ts';

const LEVELS = 256;

export interface ImageStatistics {
  /** Whole images, channels last. */
  add(values: Uint8Array | Float32Array): void;
  /** Null before any image came. */
  result(): Omit<SplitStatistics, 'counts'> | null;
}

export function imageStatistics(storage: 'uint8' | 'float32', channels: number): ImageStatistics {
  return storage === 'uint8' ? byteStatistics(channels) : floatStatistics(channels);
}

/** Counts how often each byte occurs, so that all four follow without rounding on the way. */
function byteStatistics(channels: number): ImageStatistics {
  const histogram = new Float64Array(channels * LEVELS);
  return {
    add(values) {
      for (let i = 0; i < values.length; i += channels) {
        for (let c = 0; c < channels; c++) histogram[c * LEVELS + values[i + c]!]!++;
      }
    },
    result() {
      const levels = Array.from({ length: channels }, (_, c) =>
        histogram.subarray(c * LEVELS, (c + 1) * LEVELS),
      );
      const count = levels[0]!.reduce((sum, times) => sum + times, 0);
      if (count === 0) return null;
      const moment = (times: Float64Array, of: (value: number) => number) =>
        times.reduce((sum, n, level) => sum + n * of(level / (LEVELS - 1)), 0) / count;
      const mean = levels.map((times) => moment(times, (value) => value));
      return {
        mean,
        std: levels.map((times, c) => Math.sqrt(moment(times, (value) => (value - mean[c]!) ** 2))),
        min: levels.map((times) => times.findIndex((n) => n > 0) / (LEVELS - 1)),
        max: levels.map((times) => times.findLastIndex((n) => n > 0) / (LEVELS - 1)),
      };
    },
  };
}

/** Updates mean and squared deviation value by value (Welford 1962), which no large mean spoils. */
function floatStatistics(channels: number): ImageStatistics {
  const mean = new Float64Array(channels);
  const squares = new Float64Array(channels);
  const min = new Float64Array(channels).fill(Number.POSITIVE_INFINITY);
  const max = new Float64Array(channels).fill(Number.NEGATIVE_INFINITY);
  let count = 0;
  return {
    add(values) {
      for (let i = 0; i < values.length; i += channels) {
        count++;
        for (let c = 0; c < channels; c++) {
          const value = values[i + c]!;
          const deviation = value - mean[c]!;
          mean[c]! += deviation / count;
          squares[c]! += deviation * (value - mean[c]!);
          min[c] = Math.min(min[c]!, value);
          max[c] = Math.max(max[c]!, value);
        }
      }
    },
    result() {
      if (count === 0) return null;
      const std = [...squares].map((sum) => Math.sqrt(sum / count));
      return { mean: [...mean], std, min: [...min], max: [...max] };
    },
  };
}

/** Images of each class. */
export function countLabels(labels: Uint16Array, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label]!++;
  return counts;
}
