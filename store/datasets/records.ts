/** Splits made of records of one size, one after the other in a stream. */
import type { ImageBlock } from '../../schemas/dataset.ts';
import type { ByteStream } from './byte-stream.ts';
import { damagedData, type SplitSource } from './dataset-source.ts';

/** Images of a block hold about so many bytes. */
const BLOCK_BYTES = 1 << 20;

export interface RecordFile {
  /** Named in messages. */
  path: string;
  /** Bytes of a record. */
  recordBytes: number;
  /** Values of an image. */
  imageBytes: number;
  /** Records; it is an error where the stream ends before. */
  count: number;
  /** A stream that begins with the first record. */
  open(): Promise<ByteStream> | ByteStream;
  /** Sets all values of `image`, channels last. Absent: a record is an image. */
  decode?(record: Uint8Array, image: Uint8Array): void;
}

/** @param labels class of each record; null where there are none */
export function recordSplit(file: RecordFile, labels: Uint16Array | null): SplitSource {
  return { count: file.count, labels, read: (indices) => readRecords(file, indices) };
}

async function* readRecords(file: RecordFile, indices: Uint32Array): AsyncGenerator<ImageBlock> {
  if (indices.length === 0) return;
  const { path, recordBytes, imageBytes, count, decode = copy } = file;
  const record = new Uint8Array(recordBytes);
  const blockImages = Math.max(1, Math.floor(BLOCK_BYTES / imageBytes));
  const stream = await file.open();
  let next = 0;
  try {
    for (let first = 0; first < indices.length; first += blockImages) {
      const chosen = indices.subarray(first, first + blockImages);
      const images = new Uint8Array(chosen.length * imageBytes);
      for (const [i, index] of chosen.entries()) {
        await stream.skip((index - next) * recordBytes);
        await stream.fill(record);
        decode(record, images.subarray(i * imageBytes, (i + 1) * imageBytes));
        next = index + 1;
      }
      if (next === count) await stream.drain();
      yield { images };
    }
  } catch (error) {
    throw damagedData(path, `${count} images`, `that ${(error as Error).message}`, error);
  } finally {
    await stream.close();
  }
}

function copy(record: Uint8Array, image: Uint8Array): void {
  image.set(record);
}

/** Three planes, each row after row, to pixels of three values. */
export function fromPlanes(planes: Uint8Array, image: Uint8Array): void {
  const pixels = image.length / 3;
  for (let pixel = 0; pixel < pixels; pixel++) {
    image[3 * pixel] = planes[pixel]!;
    image[3 * pixel + 1] = planes[pixels + pixel]!;
    image[3 * pixel + 2] = planes[2 * pixels + pixel]!;
  }
}

/** Three planes of a square image, each column after column, to pixels of three values. */
export function fromColumnPlanes(planes: Uint8Array, image: Uint8Array): void {
  const side = Math.sqrt(image.length / 3);
  for (let channel = 0; channel < 3; channel++) {
    for (let column = 0; column < side; column++) {
      const from = (channel * side + column) * side;
      for (let row = 0; row < side; row++) {
        image[3 * (row * side + column) + channel] = planes[from + row]!;
      }
    }
  }
}

/** Splits one after the other as one. */
export function joinSplits(parts: readonly SplitSource[]): SplitSource & { labels: Uint16Array } {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const labels = new Uint16Array(count);
  let start = 0;
  const starts = parts.map((part) => {
    labels.set(part.labels!, start);
    start += part.count;
    return start - part.count;
  });
  async function* read(indices: Uint32Array): AsyncGenerator<ImageBlock> {
    for (const [i, part] of parts.entries()) {
      const [from, to] = [starts[i]!, starts[i]! + part.count];
      yield* part.read(indices.filter((index) => index >= from && index < to).map((index) => index - from));
    }
  }
  return { count, labels, read };
}
