/**
 * Element types of the safetensors format and what they become in memory: float types become Float32Array,
 * integers Int32Array, bytes and truth values Uint8Array. All numbers are little endian, as on every machine that
 * the engine runs on.
 */
export type TensorData = Float32Array | Int32Array | Uint8Array;

/** Reads the bytes of one tensor; `bytes` begins at a multiple of 8 in its buffer. */
interface ElementType {
  itemBytes: number;
  decode(bytes: Uint8Array): TensorData;
}

/** By the name that the header uses. */
export const elementTypes: Readonly<Record<string, ElementType>> = {
  F32: {
    itemBytes: 4,
    decode: (bytes) => new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4),
  },
  I32: { itemBytes: 4, decode: (bytes) => new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4) },
  U8: { itemBytes: 1, decode: (bytes) => bytes },
  BOOL: { itemBytes: 1, decode: (bytes) => bytes },
  I8: {
    itemBytes: 1,
    decode: (bytes) => Int32Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)),
  },
  F64: {
    itemBytes: 8,
    decode: (bytes) => Float32Array.from(new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)),
  },
  I64: { itemBytes: 8, decode: decodeInt64 },
  F16: { itemBytes: 2, decode: (bytes) => Float32Array.from(words(bytes), float16ToNumber) },
  BF16: { itemBytes: 2, decode: decodeBfloat16 },
};

/** The header's name for data in memory. */
export function elementTypeOf(data: TensorData | BigInt64Array): 'F32' | 'I32' | 'I64' | 'U8' {
  if (data instanceof Float32Array) return 'F32';
  if (data instanceof BigInt64Array) return 'I64';
  return data instanceof Int32Array ? 'I32' : 'U8';
}

function words(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
}

/** Throws RangeError on a value that 32 bits cannot hold, rather than cutting it. */
function decodeInt64(bytes: Uint8Array): Int32Array {
  return Int32Array.from(new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8), (value) => {
    if (value !== BigInt.asIntN(32, value)) throw new RangeError(`the value ${value}`);
    return Number(value);
  });
}

/** bfloat16 is the upper half of a float32. */
function decodeBfloat16(bytes: Uint8Array): Float32Array {
  const bits = Uint32Array.from(words(bytes), (word) => word << 16);
  return new Float32Array(bits.buffer);
}

/** IEEE 754 binary16: 1 sign bit, 5 of the exponent (bias 15), 10 of the fraction. Exact. */
function float16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
