/** Assembles kernels.wat when it is first needed (0.1 s), and gives each codec that is opened a memory of its own. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import loadAssembler from 'wabt';

const SOURCE = fileURLToPath(new URL('./kernels.wat', import.meta.url));
/** Values are handled in blocks of so many; a gradient is padded with zeros to a multiple. */
export const BLOCK = 64;
const PAGE_BYTES = 65536;
/** The sums stand at address 0. */
const GRADIENT_ADDRESS = 64;
/** Bits of infinity; NaN is above. */
const INFINITE = 0x7f800000;

interface Exports {
  memory: WebAssembly.Memory;
  largest(x: number, n: number): number;
  encodeHalf(x: number, n: number, to: number, factor: number, factor2: number): void;
  decodeHalf(half: number, n: number, to: number, scale: number): void;
  encodeInt8(x: number, n: number, to: number, scales: number): void;
  decodeInt8(from: number, n: number, to: number, scales: number): void;
}

let compiled: Promise<WebAssembly.Module> | undefined;

async function compile(): Promise<WebAssembly.Module> {
  const assembler = await loadAssembler();
  const text = assembler.parseWat('kernels.wat', await readFile(SOURCE), { simd: true });
  const { buffer } = text.toBinary({});
  text.destroy();
  return WebAssembly.compile(buffer);
}

/** The kernels with a memory that holds one gradient, one packed gradient and its scales. */
export async function openKernels(length: number): Promise<Kernels> {
  compiled ??= compile();
  const { exports } = await WebAssembly.instantiate(await compiled);
  return new Kernels(exports as unknown as Exports, length);
}

export class Kernels {
  readonly #exports: Exports;
  /** Values with the padding. */
  readonly #padded: number;
  readonly #packedAddress: number;
  readonly #scalesAddress: number;
  /** [length] */
  readonly gradient: Float32Array;
  /** [length]: the same memory as the halves. */
  readonly bytes: Int8Array;
  readonly halves: Uint16Array;
  /** [blocks] */
  readonly scales: Float32Array;
  readonly #sums: Float64Array;

  /** Use {@link openKernels}. */
  constructor(exports: Exports, length: number) {
    const blocks = Math.ceil(length / BLOCK);
    this.#exports = exports;
    this.#padded = blocks * BLOCK;
    this.#packedAddress = GRADIENT_ADDRESS + this.#padded * 4;
    this.#scalesAddress = this.#packedAddress + this.#padded * 2;
    const pages = Math.ceil((this.#scalesAddress + blocks * 4) / PAGE_BYTES);
    exports.memory.grow(pages - 1);
    const { buffer } = exports.memory;
    this.gradient = new Float32Array(buffer, GRADIENT_ADDRESS, length);
    this.halves = new Uint16Array(buffer, this.#packedAddress, length);
    this.bytes = new Int8Array(buffer, this.#packedAddress, length);
    this.scales = new Float32Array(buffer, this.#scalesAddress, blocks);
    this.#sums = new Float64Array(buffer, 0, 3);
  }

  /** Takes values `from` on as the gradient, and returns the largest magnitude, or NaN where one is not finite. */
  load(gradients: Float32Array, from: number): number {
    this.gradient.set(gradients.subarray(from, from + this.gradient.length));
    this.#clearPadding();
    const bits = this.#exports.largest(GRADIENT_ADDRESS, this.#padded);
    return bits >= INFINITE ? Number.NaN : floatOf(bits);
  }

  /** Decoding fills the padding as well. */
  #clearPadding(): void {
    const { buffer } = this.gradient;
    const end = GRADIENT_ADDRESS + this.gradient.length * 4;
    if (end < this.#packedAddress) new Uint8Array(buffer, end, this.#packedAddress - end).fill(0);
  }

  /** Sets the halves to the gradient times both factors, powers of two; returns 1 − cos. */
  encodeHalf(factor: number, factor2: number): number {
    this.#exports.encodeHalf(GRADIENT_ADDRESS, this.#padded, this.#packedAddress, factor, factor2);
    return this.#cosineLoss();
  }

  /** Sets the gradient to the halves times the scale. */
  decodeHalf(scale: number): void {
    this.#exports.decodeHalf(this.#packedAddress, this.#padded, GRADIENT_ADDRESS, scale);
  }

  /** Sets the bytes and scales from the gradient; returns 1 − cos. */
  encodeInt8(): number {
    this.#exports.encodeInt8(GRADIENT_ADDRESS, this.#padded, this.#packedAddress, this.#scalesAddress);
    return this.#cosineLoss();
  }

  /** Sets the gradient to the bytes times their scales. */
  decodeInt8(): void {
    this.#exports.decodeInt8(this.#packedAddress, this.#padded, GRADIENT_ADDRESS, this.#scalesAddress);
  }

  /**
   * 1 − cos between a gradient x and x + e, from the sums of x², x·e and e²; 0 where x is zero.
   * By 2|a||b| (1 − cos) = |b − a|² − (|b| − |a|)² with |b|² − |a|² = 2 x·e + e², which keeps its digits where cos is all but 1.
   */
  #cosineLoss(): number {
    const [xx, xe, ee] = [this.#sums[0]!, this.#sums[1]!, this.#sums[2]!];
    if (xx === 0) return 0;
    const aNorm = Math.sqrt(xx);
    const bNorm = Math.sqrt(Math.max(0, xx + 2 * xe + ee));
    const difference = (2 * xe + ee) / (aNorm + bNorm);
    return Math.max(0, (ee - difference * difference) / (2 * aNorm * bNorm));
  }
}

const scalar = new DataView(new ArrayBuffer(4));

function floatOf(bits: number): number {
  scalar.setUint32(0, bits);
  return scalar.getFloat32(0);
}
