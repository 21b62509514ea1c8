/** Gradients as one NumPy array [images, targets, ...shape], written piece by piece, which numpy maps into memory. */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { PipelineError } from '../../schemas/errors.ts';
import { publishFile, temporaryName, translateDiskError } from '../atomic-file.ts';
import { openEncoderMemory } from './codecs/encoder-memory.ts';
import type { GradientReader } from './gradient-reader.ts';
import { gradientLength } from './store-layout.ts';

/** The array starts at a multiple of so many bytes (NEP 1). */
const ALIGNMENT = 64;
const MAGIC = Buffer.from('\x93NUMPY\x01\x00', 'latin1');
/** What the codec's rounding can hold without a scale. */
const LARGEST = 32_752;

type NpyType = 'float32' | 'float16' | 'uint16' | 'int32';
const DESCRIPTIONS: Record<NpyType, string> = { float32: '<f4', float16: '<f2', uint16: '<u2', int32: '<i4' };

/**
 * Writes `path`, and {@link classesBeside} it the classes ([images, targets], uint16) where the store lists the classes.
 * Throws `NOT_FINITE` where a value is too large for float16.
 *
 * @returns for float16, the worst 1 − cos between a gradient and its rounded values; null for float32
 */
export async function exportNpy(
  reader: GradientReader,
  path: string,
  dtype: 'float32' | 'float16',
  signal?: AbortSignal,
): Promise<number | null> {
  const { images, targets, shape, targetClasses } = reader.info;
  const lists = targetClasses === 'listed';
  const classes = new Uint16Array(lists ? images * targets : 0);
  const rounder = await openRounder(gradientLength(reader.info), path);
  let worst = 0;
  await writeNpy(path, dtype, [images, targets, ...shape], async (write) => {
    for await (const batch of reader.batches(signal)) {
      if (lists) classes.set(batch.classes, batch.first * targets);
      if (dtype === 'float32') {
        await write(batch.gradients);
      } else {
        const halves = new Uint16Array(batch.gradients.length);
        worst = Math.max(worst, rounder.round(batch.gradients, halves));
        await write(halves);
      }
    }
  });
  if (lists) {
    await writeNpy(classesBeside(path), 'uint16', [images, targets], (write) => write(classes));
  }
  return dtype === 'float32' ? null : worst;
}

/** Where the classes of the gradients in `path` go. */
export function classesBeside(path: string): string {
  return `${path.replace(/\.npy$/, '')}.classes.npy`;
}

async function writeNpy(
  path: string,
  type: NpyType,
  shape: readonly number[],
  fill: (write: (values: Float32Array | Uint16Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, 'wx');
    try {
      await writeAll(file, npyHeader(type, shape));
      await fill((values) =>
        writeAll(file, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
      );
    } finally {
      await file.close();
    }
    await publishFile(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw translateDiskError(error, path);
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten;
}

/** Header of version 1.0 (numpy.lib.format): a Python dictionary, padded with spaces to a line's end. */
export function npyHeader(type: NpyType, shape: readonly number[]): Buffer {
  const sides = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${DESCRIPTIONS[type]}', 'fortran_order': False, 'shape': (${sides}), }`;
  const unpadded = MAGIC.length + 2 + text.length + 1;
  const padding = (ALIGNMENT - (unpadded % ALIGNMENT)) % ALIGNMENT;
  const size = Buffer.alloc(2);
  size.writeUInt16LE(text.length + padding + 1);
  return Buffer.concat([MAGIC, size, Buffer.from(`${text}${' '.repeat(padding)}\n`, 'latin1')]);
}

/** Gradients without a scale of their own as halves, by the kernels of the codec. */
interface HalfRounder {
  /** Returns the worst 1 − cos, 1 where a gradient becomes zero. Throws `NOT_FINITE` for values that are too large. */
  round(gradients: Float32Array, halves: Uint16Array): number;
}

/** @param path for messages */
async function openRounder(length: number, path: string): Promise<HalfRounder> {
  const memory = await openEncoderMemory(length);
  const { kernels, padded, gradientAddress, packedAddress } = memory;
  const packed = new Uint16Array(kernels.memory.buffer, packedAddress, length);
  const roundRow = (gradients: Float32Array, start: number): number => {
    const largest = memory.load(gradients, start);
    if (largest > LARGEST) {
      const message = `Expected gradients within ±${LARGEST} for float16 in ${path}, found one of ${largest}; export float32 (--dtype float32).`;
      throw new PipelineError('NOT_FINITE', message);
    }
    kernels.encodeHalf(gradientAddress, padded, packedAddress, 1, 1);
    const loss = memory.cosineLoss();
    // A gradient that becomes zero has no direction.
    return Number.isFinite(loss) ? loss : 1;
  };
  return {
    round(gradients, halves) {
      let worst = 0;
      for (let start = 0; start < gradients.length; start += length) {
        worst = Math.max(worst, roundRow(gradients, start));
        halves.set(packed, start);
      }
      return worst;
    },
  };
}
