/**
 * Images in Parquet files, as Hugging Face keeps data sets: data/train-00000-of-00002-….parquet or train.parquet, with
 * a column of encoded pictures and one of labels. Row group by row group, so that a file need not fit into memory.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asyncBufferFromFile, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import type { ImageBlock } from '../../schemas/dataset.ts';
import { PipelineError } from '../../schemas/errors.ts';
import { sizeOf } from '../../schemas/shape.ts';
import type { DatasetConfig, DatasetEntry } from './catalogue-entry.ts';
import {
  checkLabels,
  classesByNumber,
  type DatasetSource,
  damagedData,
  HOW_TO_NAME_DATA,
  type SplitSource,
} from './dataset-source.ts';
import { pictureOptions } from './image-folder.ts';
import { namesInMetadata, namesInReadme } from './parquet-class-names.ts';
import { decodePicture, type PictureOptions, pictureShape } from './pictures.ts';
import { joinSplits } from './records.ts';
import { fileSource, listFolder } from './source-file.ts';

const IMAGE_COLUMNS = ['image', 'img'];
const LABEL_COLUMNS = ['label', 'labels', 'fine_label'];
/** The mark at both ends, and the length of the metadata. */
const LEAST_BYTES = 12;
/** Pictures decoded at the same time. */
const AT_ONCE = 8;

interface ParquetFile {
  path: string;
  metadata: FileMetaData;
  columns: { image: string; label: string };
  /** As they are in the file: numbers, or texts that name the class. */
  labels: (number | string)[];
}

/**
 * @param directory folder with the files, or with a folder data that has them
 * @returns images [size, size, 1 or 3]; classes by the names in the schema's metadata or in README.md, else by the
 *   texts that are the labels, sorted, else by number
 */
export async function readParquet(directory: string, config: DatasetConfig): Promise<DatasetSource> {
  const names = await filesOf(directory);
  requireAllParts(directory, names);
  const splits: Record<string, ParquetFile[]> = { train: [], test: [], validation: [] };
  for (const name of names) {
    const split = splitOf(name);
    if (split !== null) splits[split]!.push(await openParquet(join(directory, name), config));
  }
  for (const split of ['train', 'test'] as const)
    if (splits[split]!.length === 0) throw missing(directory, names);
  const classNames = await classesOf(directory, splits.train!);
  const options = pictureOptions(config);
  const read = (split: string) =>
    joinSplits(splits[split]!.map((file) => splitSource(file, classNames, options)));
  return {
    shape: pictureShape(options),
    classNames,
    train: read('train'),
    test: read('test'),
    ...(splits.validation!.length === 0 ? {} : { validation: read('validation') }),
    sources: await Promise.all(
      names.filter((name) => splitOf(name) !== null).map((name) => fileSource(directory, name)),
    ),
    provenance: `Pictures from Parquet files, resized to ${options.size}×${options.size}`,
  };
}

/** Parquet files of a folder and of its folder data, sorted; not hidden ones, which other systems leave behind. */
async function filesOf(directory: string): Promise<string[]> {
  const names = await listFolder(directory);
  const inData = names.includes('data')
    ? (await readdir(join(directory, 'data'))).map((name) => `data/${name}`)
    : [];
  return [...names, ...inData].filter((name) => /(^|\/)[^./][^/]*\.parquet$/.test(name)).sort();
}

/** Files are named train.parquet, or train-00000-of-00002.parquet with any ending; val and valid are validation. */
function splitOf(name: string): string | null {
  const [, word] = /(?:^|\/)(train|test|validation|valid|val)(?:[-_.].*)?\.parquet$/.exec(name) ?? [];
  if (word === undefined) return null;
  return word.startsWith('val') ? 'validation' : word;
}

/** Names such as train-00000-of-00002.parquet say how many parts there are. */
function requireAllParts(directory: string, names: readonly string[]): void {
  const present = new Set<string>();
  const series = new Map<string, { name: string; partOf: (i: number) => string; count: number }>();
  for (const name of names.filter((candidate) => splitOf(candidate) !== null)) {
    const [part, start, total] = /^(.*-)\d{5}-of-(\d{5})/.exec(name) ?? [];
    if (part === undefined) continue;
    const partOf = (i: number) => `${start}${String(i).padStart(5, '0')}-of-${total}`;
    present.add(part);
    series.set(partOf(0), { name, partOf, count: Number(total) });
  }
  for (const { name, partOf, count } of series.values()) {
    for (let i = 0; i < count; i++) {
      if (present.has(partOf(i))) continue;
      const message = `Expected all ${count} parts of ${name} in ${directory}, found no ${partOf(i)}. Put it there.`;
      throw new PipelineError('DATA_MISSING', message);
    }
  }
}

function missing(directory: string, found: string[]): PipelineError {
  const message = `Expected Parquet files named train… and test… in ${directory} or its folder data, found ${found.join(', ') || 'none'}. Put them there, or ${HOW_TO_NAME_DATA}.`;
  return new PipelineError('DATA_MISSING', message);
}

async function openParquet(path: string, config: DatasetConfig): Promise<ParquetFile> {
  try {
    const file = await asyncBufferFromFile(path);
    if (file.byteLength < LEAST_BYTES) throw new Error(`it has ${file.byteLength} bytes`);
    const metadata = await parquetMetadataAsync(file);
    const columns = columnsOf(metadata, config);
    const rows = await parquetReadObjects({ file, metadata, compressors, columns: [columns.label] });
    const labels = rows.map((row) => labelOf(row[columns.label]));
    return { path, metadata, columns, labels };
  } catch (error) {
    throw damagedData(path, 'a Parquet file of images and labels', `that ${(error as Error).message}`, error);
  }
}

function columnsOf(
  { schema }: FileMetaData,
  { columns = {} }: DatasetConfig,
): { image: string; label: string } {
  const present = topColumns(schema);
  const find = (kind: string, given: string | undefined, usual: string[]) => {
    const wanted = given === undefined ? usual : [given];
    const name = wanted.find((candidate) => present.includes(candidate));
    if (name !== undefined) return name;
    throw new Error(
      `its columns are ${present.join(', ')}, without ${wanted.join(' or ')}; name it in dataset.columns.${kind}`,
    );
  };
  return {
    image: find('image', columns.image, IMAGE_COLUMNS),
    label: find('label', columns.label, LABEL_COLUMNS),
  };
}

/** Names of the columns, without the parts of structs: the schema is a tree in depth-first order. */
function topColumns(schema: FileMetaData['schema']): string[] {
  const names: string[] = [];
  let at = 1;
  const skip = () => {
    const children = schema[at++]?.num_children ?? 0;
    for (let i = 0; i < children; i++) skip();
  };
  while (at < schema.length) {
    names.push(schema[at]!.name);
    skip();
  }
  return names;
}

function labelOf(value: unknown): number | string {
  if (typeof value === 'number' || typeof value === 'string') return value;
  if (typeof value === 'bigint') return Number(value);
  throw new Error(`a label is ${value === null ? 'missing' : typeof value}`);
}

async function classesOf(directory: string, files: ParquetFile[]): Promise<string[]> {
  const { path, metadata, columns } = files[0]!;
  const text = metadata.key_value_metadata?.find(({ key }) => key === 'huggingface')?.value;
  const readme = join(directory, 'README.md');
  const readmeText = (await listFolder(directory)).includes('README.md')
    ? await readFile(readme, 'utf8')
    : '';
  const told = namesInMetadata(path, text, columns.label) ?? namesInReadme(readme, readmeText, columns.label);
  if (told !== null) return told;
  const seen = [...new Set(files.flatMap(({ labels }) => labels))];
  if (seen.every((label) => typeof label === 'string')) return seen.sort();
  const byNumber = files.map((file) => classesByNumber(file.path, file.labels.map(Number)));
  return byNumber.reduce((most, names) => (names.length > most.length ? names : most));
}

function splitSource(file: ParquetFile, classNames: string[], options: PictureOptions): SplitSource {
  const places = new Map(classNames.map((name, label) => [name, label]));
  const labels = file.labels.map((label) => (typeof label === 'number' ? label : (places.get(label) ?? -1)));
  const unknown = labels.indexOf(-1);
  if (typeof file.labels[unknown] === 'string') {
    throw damagedData(
      file.path,
      'labels that occur in training',
      `${JSON.stringify(file.labels[unknown])} for image ${unknown}`,
    );
  }
  checkLabels(file.path, labels, classNames.length);
  return {
    count: labels.length,
    labels: Uint16Array.from(labels),
    read: (indices) => readPictures(file, indices, options),
  };
}

/** Reads only the row groups that have wanted rows. */
async function* readPictures(
  { path, metadata, columns }: ParquetFile,
  indices: Uint32Array,
  options: PictureOptions,
): AsyncGenerator<ImageBlock> {
  const file = await asyncBufferFromFile(path);
  const imageBytes = sizeOf(pictureShape(options));
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const wanted = indices.filter((index) => index >= rowStart && index < rowEnd);
    const range = { rowStart, rowEnd };
    rowStart = rowEnd;
    if (wanted.length === 0) continue;
    const rows = await readGroup(path, () =>
      parquetReadObjects({ file, metadata, compressors, columns: [columns.image], utf8: false, ...range }),
    );
    for (let first = 0; first < wanted.length; first += AT_ONCE) {
      const chosen = wanted.subarray(first, first + AT_ONCE);
      const images = new Uint8Array(chosen.length * imageBytes);
      await Promise.all(
        Array.from(chosen, async (index, i) => {
          const place = `${path}, row ${index}`;
          const bytes = pictureBytes(place, rows[index - range.rowStart]![columns.image]);
          images.set(await decodePicture(bytes, options, place), i * imageBytes);
        }),
      );
      yield { images };
    }
  }
}

async function readGroup<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw damagedData(path, 'whole row groups', `that ${(error as Error).message}`, error);
  }
}

/** Of a column of bytes, or of structs { bytes, path }. */
function pictureBytes(place: string, value: unknown): Uint8Array {
  const bytes = value instanceof Uint8Array ? value : (value as { bytes?: unknown } | null)?.bytes;
  if (bytes instanceof Uint8Array) return bytes;
  throw damagedData(place, 'the bytes of a picture', 'none');
}

export const parquet: DatasetEntry = {
  name: 'parquet',
  title: 'Parquet files of your own, or a data set of Hugging Face',
  layouts: [{ folder: null, files: [], read: readParquet }],
  downloads: [],
  splits: ['train', 'validation', 'test'],
};
