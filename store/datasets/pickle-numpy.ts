/** The few things that a pickle may refer to: what numpy's arrays and numbers are rebuilt with, and nothing else. */
import { FileBytes } from './pickle-input.ts';

/** Lists and tuples are arrays, dicts maps; bytes of a megabyte or more stay in the file. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | FileBytes
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | object;

/** What the pickle names as MODULE.NAME. */
export interface PickleGlobal {
  global: string;
}

/** Type of an array's values, such as `|u1` or `<i8`. */
export class NumpyType {
  code: string;
  constructor(code: string) {
    this.code = code;
  }
}

export class NumpyArray {
  shape: number[] = [];
  dtype = '|u1';
  /** The first index runs fastest. */
  isFortran = false;
  data: Uint8Array | FileBytes = new Uint8Array(0);
}

/** numpy 2 has moved its core; pickles name the place of the version that wrote them. */
const NAMES: Record<string, 'array' | 'buffer' | 'scalar' | 'class' | 'type' | 'encode' | 'bytes'> = {
  'numpy.core.multiarray._reconstruct': 'array',
  'numpy._core.multiarray._reconstruct': 'array',
  'numpy.core.numeric._frombuffer': 'buffer',
  'numpy._core.numeric._frombuffer': 'buffer',
  'numpy.core.multiarray.scalar': 'scalar',
  'numpy._core.multiarray.scalar': 'scalar',
  'numpy.ndarray': 'class',
  'numpy.dtype': 'type',
  '_codecs.encode': 'encode',
  '__builtin__.bytes': 'bytes',
  'builtins.bytes': 'bytes',
};

/**
 * What a call of a global gives; with `values` null, the global itself. Throws for every name that is not listed, so
 * that nothing unknown is ever called or kept.
 */
export function applyGlobal(target: PickleGlobal, values: PickleValue[] | null): PickleValue {
  const kind = Object.hasOwn(NAMES, target?.global ?? '') ? NAMES[target.global] : undefined;
  if (kind === undefined) {
    const name = JSON.stringify(target?.global ?? 'a value');
    throw new Error(`a reference to ${name}, which is not loaded because it could run a program`);
  }
  if (values === null) return target;
  const [first, second] = values;
  if (kind === 'array') return new NumpyArray();
  // Protocol 5: bytes, type, sizes, and the order of the values.
  if (kind === 'buffer') return fill(new NumpyArray(), values[2], second, values[3] === 'F', first);
  if (kind === 'type') return new NumpyType(`<${String(first)}`);
  if (kind === 'scalar' && first instanceof NumpyType) return scalarOf(first, bytesOf(second));
  if (kind === 'encode') return bytesOf(first);
  if (kind === 'bytes' && values.length === 0) return new Uint8Array(0);
  throw new Error(`a call of ${target.global} that is not one of numpy's`);
}

/** Sets what an array or a type is made of. */
export function buildState(target: PickleValue, state: PickleValue): void {
  if (target instanceof NumpyType && Array.isArray(state)) {
    target.code = `${String(state[1])}${target.code.slice(1)}`;
    return;
  }
  if (target instanceof NumpyArray && Array.isArray(state)) {
    const [, shape, type, isFortran, data] = state;
    fill(target, shape, type, isFortran === true, data);
    return;
  }
  throw new Error('a state for something that is no array');
}

function fill(
  target: NumpyArray,
  shape: PickleValue | undefined,
  type: PickleValue | undefined,
  isFortran: boolean,
  data: PickleValue | undefined,
): NumpyArray {
  if (!(type instanceof NumpyType)) throw new Error('an array without a type');
  if (!Array.isArray(shape) || !shape.every((side) => typeof side === 'number')) {
    throw new Error('an array without sizes');
  }
  const bytes = data instanceof FileBytes ? data : bytesOf(data);
  return Object.assign(target, { shape, dtype: type.code, isFortran, data: bytes });
}

/** Bytes, also where Python wrote them as a text of Latin-1 characters. */
function bytesOf(value: PickleValue | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return Buffer.from(value, 'latin1');
  throw new Error('something else where bytes should be');
}

function scalarOf({ code }: NumpyType, bytes: Uint8Array): number {
  const view = Buffer.from(bytes);
  const kind = code.slice(1);
  if (kind === 'f8') return view.readDoubleLE(0);
  if (kind === 'f4') return view.readFloatLE(0);
  if (/^[iu][1248]$/.test(kind) && view.length === Number(kind[1])) {
    const value = BigInt(`0x${Buffer.from(view).reverse().toString('hex')}`);
    return Number(kind[0] === 'i' ? BigInt.asIntN(8 * view.length, value) : value);
  }
  throw new Error(`a number of the type ${code}`);
}
