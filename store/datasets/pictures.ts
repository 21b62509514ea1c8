/** Splits made of picture files, decoded and brought to one size when they are wanted. */
import { createHash, type Hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import sharp from 'sharp';
import type { DatasetInfo, ImageBlock } from '../../schemas/dataset.ts';
import { sizeOf } from '../../schemas/shape.ts';
import { sha256 } from '../content-hash.ts';
import { damagedData, type SplitSource } from './dataset-source.ts';

export const PICTURE_EXTENSIONS = ['.png', '.jpg', '.jpeg', '.webp'];
/** Pictures decoded at the same time. */
const AT_ONCE = 8;

export interface PictureOptions {
  /** Height and width in pixels to which every picture is brought: scaled to cover the square, then cut evenly. */
  size: number;
  /** One channel instead of three. */
  grayscale: boolean;
}

/** The files of one split. */
export interface PictureList {
  /** Paths below the data set's folder, with slashes. */
  files: readonly string[];
  labels: Uint16Array;
  /** [top, left, height, width] in pixels of each file's picture, before it is brought to size. */
  boxes?: Float32Array;
}

export function isPicture(file: string): boolean {
  return !file.startsWith('.') && PICTURE_EXTENSIONS.includes(extname(file).toLowerCase());
}

export function pictureShape({ size, grayscale }: PictureOptions): number[] {
  return [size, size, grayscale ? 1 : 3];
}

/** The folders that were read from: bytes, and a checksum over the names and checksums of the pictures read. */
export class PictureSources {
  readonly #folders = new Map<string, { bytes: number; hash: Hash }>();

  add(file: string, bytes: number, checksum: string): void {
    const name = dirname(file);
    const known = this.#folders.get(name);
    const folder = known ?? { bytes: 0, hash: createHash('sha256') };
    folder.bytes += bytes;
    folder.hash.update(`${known === undefined ? '' : '\n'}${basename(file)} ${checksum}`);
    this.#folders.set(name, folder);
  }

  list(): DatasetInfo['sources'] {
    return [...this.#folders].map(([name, { bytes, hash }]) => ({
      name,
      bytes,
      sha256: hash.copy().digest('hex'),
    }));
  }
}

/**
 * Camera rotation is undone, transparent parts become black. Pictures that are not asked for are not opened.
 *
 * @param directory folder of the data set
 * @returns images [size, size, 1 or 3], with `regions` where the list has boxes
 */
export function pictureSplit(
  directory: string,
  { files, labels, boxes }: PictureList,
  options: PictureOptions,
  sources: PictureSources,
): SplitSource & { labels: Uint16Array } {
  const imageBytes = sizeOf(pictureShape(options));
  async function* read(indices: Uint32Array): AsyncGenerator<ImageBlock> {
    for (let first = 0; first < indices.length; first += AT_ONCE) {
      const chosen = indices.subarray(first, first + AT_ONCE);
      const pictures = await Promise.all(
        Array.from(chosen, (index) =>
          readPicture(join(directory, files[index]!), options, boxes?.subarray(4 * index, 4 * index + 4)),
        ),
      );
      const images = new Uint8Array(chosen.length * imageBytes);
      const regions = new Float32Array(chosen.length * 4);
      pictures.forEach(({ pixels, fileBytes, checksum, region }, i) => {
        images.set(pixels, i * imageBytes);
        regions.set(region, 4 * i);
        sources.add(files[chosen[i]!]!, fileBytes, checksum);
      });
      yield { images, ...(boxes === undefined ? {} : { regions }) };
    }
  }
  return { count: files.length, labels, read };
}

interface Picture {
  pixels: Uint8Array;
  fileBytes: number;
  checksum: string;
  region: number[];
}

async function readPicture(
  path: string,
  options: PictureOptions,
  box: Float32Array | undefined,
): Promise<Picture> {
  const file = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw damagedData(path, 'a picture', `what cannot be read as a file (${error.code})`, error);
  });
  const pixels = await decodePicture(file, options, path);
  const region = box === undefined ? [] : fitBox(box, await uprightSize(file), options.size);
  return { pixels, fileBytes: file.length, checksum: sha256(file), region };
}

/** Bytes of a picture [size, size, 1 or 3]. `path` names it in messages. */
export async function decodePicture(
  file: Uint8Array,
  { size, grayscale }: PictureOptions,
  path: string,
): Promise<Uint8Array> {
  try {
    return await sharp(file)
      .rotate()
      .flatten()
      .resize(size, size, { fit: 'cover' })
      .toColourspace(grayscale ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer();
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0];
    throw damagedData(path, 'a picture', `a file that cannot be read as one (${reason})`, error);
  }
}

/** [height, width] of a picture, once camera rotation is undone. */
async function uprightSize(file: Uint8Array): Promise<[number, number]> {
  const { height, width, orientation = 1 } = await sharp(file).metadata();
  return orientation >= 5 ? [width, height] : [height, width];
}

/**
 * Where a box [top, left, height, width] lies after a picture was scaled to cover a square and cut evenly; what was cut
 * off of it is gone.
 */
export function fitBox(box: ArrayLike<number>, [height, width]: [number, number], size: number): number[] {
  const scale = size / Math.min(height, width);
  const cut = [(height * scale - size) / 2, (width * scale - size) / 2] as const;
  const inside = (value: number) => Math.min(size, Math.max(0, value));
  const [top, left] = [0, 1].map((axis) => inside(box[axis]! * scale - cut[axis]!)) as [number, number];
  const [bottom, right] = [0, 1].map((axis) =>
    inside((box[axis]! + box[axis + 2]!) * scale - cut[axis]!),
  ) as [number, number];
  return [top, left, bottom - top, right - left];
}
