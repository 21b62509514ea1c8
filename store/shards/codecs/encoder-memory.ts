/** The memory of an encoder: one gradient, padded with zeros to whole blocks, what becomes of it, and its scales. */
import { BLOCK, FREE_ADDRESS, type Kernels, openKernels } from './kernels.ts';

/** Bits of infinity; those of NaN are above. */
const INFINITE = 0x7f800000;
/** The padded packed gradient has at most so many bytes per value. */
const PACKED_BYTES = 2;

export interface EncoderMemory {
  kernels: Kernels;
  /** Values with the padding, and where they, the packed ones and the scales are. */
  padded: number;
  gradientAddress: number;
  packedAddress: number;
  scalesAddress: number;
  /**
   * Takes the values from `from` on as the gradient, and returns the largest magnitude, or NaN where one is not finite.
   */
  load(gradients: Float32Array, from: number): number;
  /** 1 − cos between the gradient and what it was encoded as. */
  cosineLoss(): number;
}

export async function openEncoderMemory(length: number): Promise<EncoderMemory> {
  const blocks = Math.ceil(length / BLOCK);
  const padded = blocks * BLOCK;
  const gradientAddress = FREE_ADDRESS;
  const packedAddress = gradientAddress + padded * Float32Array.BYTES_PER_ELEMENT;
  const scalesAddress = packedAddress + padded * PACKED_BYTES;
  const end = scalesAddress + blocks * Float32Array.BYTES_PER_ELEMENT;
  const kernels = await openKernels(end);
  const { buffer } = kernels.memory;
  const gradient = new Float32Array(buffer, gradientAddress, length);
  const sums = new Float64Array(buffer, 0, 3);
  return {
    kernels,
    padded,
    gradientAddress,
    packedAddress,
    scalesAddress,
    load(gradients, from) {
      gradient.set(gradients.subarray(from, from + length));
      const bits = kernels.largest(gradientAddress, padded);
      return bits >= INFINITE ? Number.NaN : floatOf(bits);
    },
    cosineLoss: () => cosineLossOf(sums[0]!, sums[1]!, sums[2]!),
  };
}

/**
 * 1 − cos between a gradient x and x + e, from the sums of x², x·e and e²; 0 where x is zero.
 * By 2|a||b| (1 − cos) = |b − a|² − (|b| − |a|)² and |b|² − |a|² = 2 x·e + e², which keeps its digits where cos is all but 1.
 */
function cosineLossOf(xx: number, xe: number, ee: number): number {
  if (xx === 0) return 0;
  const aNorm = Math.sqrt(xx);
  const bNorm = Math.sqrt(Math.max(0, xx + 2 * xe + ee));
  const difference = (2 * xe + ee) / (aNorm + bNorm);
  return Math.max(0, (ee - difference * difference) / (2 * aNorm * bNorm));
}

const scalar = new DataView(new ArrayBuffer(4));

function floatOf(bits: number): number {
  scalar.setUint32(0, bits);
  return scalar.getFloat32(0);
}
