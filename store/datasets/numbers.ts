/** Whole numbers as other programs store them, for labels. */

const SIZES: Record<string, number> = { b1: 1, u1: 1, i1: 1, u2: 2, i2: 2, u4: 4, i4: 4, u8: 8, i8: 8 };

/** Bytes of a number of a numpy type such as `<i8` or `|u1`; null where it is not of whole numbers. */
export function integerBytes(dtype: string): number | null {
  return SIZES[dtype.slice(1)] ?? null;
}

/** @param dtype for which {@link integerBytes} gives a size */
export function readIntegers(bytes: Uint8Array, dtype: string): number[] {
  const size = integerBytes(dtype)!;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [isBig, isSigned] = [dtype[0] === '>', dtype[1] === 'i'];
  return Array.from({ length: bytes.length / size }, (_, i) => {
    if (size === 8) return Number(readLong(view, i * 8, isBig, isSigned));
    if (isBig) return isSigned ? view.readIntBE(i * size, size) : view.readUIntBE(i * size, size);
    return isSigned ? view.readIntLE(i * size, size) : view.readUIntLE(i * size, size);
  });
}

function readLong(view: Buffer, at: number, isBig: boolean, isSigned: boolean): bigint {
  if (isBig) return isSigned ? view.readBigInt64BE(at) : view.readBigUInt64BE(at);
  return isSigned ? view.readBigInt64LE(at) : view.readBigUInt64LE(at);
}
