/**
 * Kernels of our own for TensorFlow, in C++ beside this folder (`numerics/kernels`), for inference on the processor:
 * `PagGroupNorm` and `PagConvolution`. The engine loads them or does not; without them TensorFlow's own do the same.
 */

let areLoaded = false;

/** Called by the engine once they are there. */
export function announceOwnKernels(): void {
  areLoaded = true;
}

/** Whether this process has them. */
export const hasOwnKernels = (): boolean => areLoaded;
