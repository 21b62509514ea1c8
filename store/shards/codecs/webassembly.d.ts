/** What kernels.ts uses of WebAssembly. Node's types name its modules only, and the rest is in those of browsers. */
declare namespace WebAssembly {
  interface Memory {
    readonly buffer: ArrayBuffer;
    /** Adds pages of 64 KiB; views of the buffer before are void. */
    grow(pages: number): number;
  }
  function compile(bytes: Uint8Array): Promise<Module>;
  function instantiate(module: Module): Promise<{ exports: Record<string, unknown> }>;
}
