/** Assembles kernels.wat when it is first needed (0.1 s), and gives each that is opened a memory of its own. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import loadAssembler from 'wabt';

const SOURCE = fileURLToPath(new URL('./kernels.wat', import.meta.url));
const PAGE_BYTES = 65536;
/** The first address that is free; the encoders' sums stand before it. */
export const FREE_ADDRESS = 64;
/** Values are handled in blocks of so many. */
export const BLOCK = 64;

/** Addresses are in bytes. What each does is said in kernels.wat. */
export interface Kernels {
  memory: WebAssembly.Memory;
  largest(x: number, n: number): number;
  encodeHalf(x: number, n: number, to: number, factor: number, factor2: number): void;
  decodeHalf(half: number, n: number, to: number, scale: number): void;
  encodeInt8(x: number, n: number, to: number, scales: number): void;
  decodeInt8(from: number, n: number, to: number, scales: number): void;
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** The kernels with a memory of so many bytes after {@link FREE_ADDRESS}. */
export async function openKernels(bytes: number): Promise<Kernels> {
  compiled ??= compile();
  const { exports } = await WebAssembly.instantiate(await compiled);
  const kernels = exports as unknown as Kernels;
  kernels.memory.grow(Math.ceil((FREE_ADDRESS + bytes) / PAGE_BYTES) - 1);
  return kernels;
}

async function compile(): Promise<WebAssembly.Module> {
  const assembler = await loadAssembler();
  const text = assembler.parseWat('kernels.wat', await readFile(SOURCE), { simd: true });
  const { buffer } = text.toBinary({});
  text.destroy();
  return WebAssembly.compile(buffer);
}
