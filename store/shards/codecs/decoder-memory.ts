/** The memory of a decoder: room for rows as they are stored, and for decoded ones. */
import { BLOCK, FREE_ADDRESS, type Kernels, openKernels } from './kernels.ts';

export interface DecoderMemory {
  kernels: Kernels;
  /** Addresses of `stored` and `decoded`. */
  storedAddress: number;
  decodedAddress: number;
  stored: Uint8Array;
  /** [rows, length] */
  decoded: Float32Array;
}

/** The kernels read and write up to a block more than there is: there is room for that. */
const SLACK_BYTES = BLOCK * Float32Array.BYTES_PER_ELEMENT;

export async function openDecoderMemory(
  length: number,
  storedBytes: number,
  rows: number,
): Promise<DecoderMemory> {
  const storedAddress = FREE_ADDRESS;
  const decodedAddress = storedAddress + Math.ceil(storedBytes / SLACK_BYTES + 1) * SLACK_BYTES;
  const decodedBytes = rows * length * Float32Array.BYTES_PER_ELEMENT;
  const kernels = await openKernels(decodedAddress + decodedBytes + SLACK_BYTES);
  const { buffer } = kernels.memory;
  return {
    kernels,
    storedAddress,
    decodedAddress,
    stored: new Uint8Array(buffer, storedAddress, storedBytes),
    decoded: new Float32Array(buffer, decodedAddress, rows * length),
  };
}
