/** Batches of images as CIFAR's and ImageNet-64's Python archives have them: a pickled dict of `data` and labels. */
import { ByteStream, streamFile } from './byte-stream.ts';
import { checkLabels, damagedData, type SplitSource } from './dataset-source.ts';
import { integerBytes, readIntegers } from './numbers.ts';
import { readPickle } from './pickle.ts';
import { FileBytes } from './pickle-input.ts';
import { NumpyArray, type PickleValue } from './pickle-numpy.ts';
import { fromPlanes, recordSplit } from './records.ts';

export interface BatchForm {
  /** Values of an image, as three planes. */
  imageBytes: number;
  /** Key of the labels. */
  labelKey: string;
  classes: number;
  /** The number that stands for the first class. */
  firstLabel: number;
}

/** Images and labels of one pickled batch. */
export function readPickledBatch(path: string, form: BatchForm): SplitSource {
  const batch = readPickledDict(path);
  const data = batch.get('data');
  const { imageBytes, labelKey, classes, firstLabel } = form;
  if (
    !(data instanceof NumpyArray) ||
    data.dtype !== '|u1' ||
    data.isFortran ||
    data.shape.length !== 2 ||
    data.shape[1] !== imageBytes ||
    data.data.length !== data.shape[0]! * imageBytes
  ) {
    const found = data instanceof NumpyArray ? describe(data) : 'no array';
    throw damagedData(path, `an array data of bytes [images, ${imageBytes}]`, found);
  }
  const count = data.shape[0]!;
  const labels = labelsOf(batch.get(labelKey));
  if (labels?.length !== count) {
    throw damagedData(path, `${count} numbers as ${labelKey}`, String(labels?.length ?? 'none'));
  }
  const fromZero = labels.map((label) => label - firstLabel);
  checkLabels(path, fromZero, classes, firstLabel);
  const bytes = data.data;
  return recordSplit(
    { path, recordBytes: imageBytes, imageBytes, count, open: () => streamOf(bytes), decode: fromPlanes },
    Uint16Array.from(fromZero),
  );
}

/** A pickle whose value is a dict. */
export function readPickledDict(path: string): Map<PickleValue, PickleValue> {
  const value = readPickle(path);
  if (value instanceof Map) return value;
  throw damagedData(path, 'a pickled dict', 'another value');
}

/** The texts under a key, such as names of classes. */
export function textsIn(path: string, key: string): string[] {
  const texts = readPickledDict(path).get(key);
  if (Array.isArray(texts)) {
    return texts.map((text) =>
      text instanceof Uint8Array ? Buffer.from(text).toString('latin1') : String(text),
    );
  }
  throw damagedData(path, `a list ${key}`, 'none');
}

function labelsOf(value: PickleValue | undefined): number[] | null {
  if (Array.isArray(value))
    return value.every((label) => typeof label === 'number') ? (value as number[]) : null;
  if (!(value instanceof NumpyArray) || integerBytes(value.dtype) === null) return null;
  return value.data instanceof FileBytes ? null : readIntegers(value.data, value.dtype);
}

function describe({ dtype, shape, isFortran, data }: NumpyArray): string {
  return `${dtype} [${shape.join(', ')}]${isFortran ? ', columns first' : ''} of ${data.length} bytes`;
}

function streamOf(bytes: Uint8Array | FileBytes): ByteStream {
  if (bytes instanceof FileBytes) return streamFile(bytes.path, bytes.start, bytes.length);
  return new ByteStream(
    (async function* () {
      yield bytes;
    })(),
  );
}
