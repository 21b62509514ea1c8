/** resizeNearestNeighbor and resizeBilinear: linear, so each with its adjoint; tfjs drops half-pixel centers there. */
import { type KernelAttribute, runFloatKernel } from '../tensor/kernel.ts';
import { tf } from '../tensor/tf.ts';
import { linearMap } from './linear-map.ts';

/** Runs the adjoint of a resize, from the resized image back to the shape of `images`. */
type Adjoint = (dy: tf.Tensor, images: tf.Tensor, attributes: Record<string, KernelAttribute>) => tf.Tensor;

const adjoints: Record<string, Adjoint> = {
  ResizeNearestNeighbor: (dy, images, attributes) => {
    const size = tf.tensor1d(images.shape.slice(1, 3), 'int32');
    return runFloatKernel('ResizeNearestNeighborGrad', [dy, size], attributes);
  },
  // The second input gives only its shape.
  ResizeBilinear: (dy, images, attributes) => runFloatKernel('ResizeBilinearGrad', [dy, images], attributes),
};

export function registerResize(): void {
  for (const [kernelName, adjoint] of Object.entries(adjoints)) {
    tf.registerGradient({
      kernelName,
      inputsToSave: ['images'],
      gradFunc: (dy, [images], attrs) => ({
        images: () => {
          const attributes = {
            align_corners: Boolean(attrs.alignCorners),
            half_pixel_centers: Boolean(attrs.halfPixelCenters),
          };
          const size = attrs.size as number[];
          return linearMap(
            dy as tf.Tensor,
            () => [images!],
            (v, [like]) => adjoint(v, like!, attributes),
            (v) => runFloatKernel(kernelName, [v, tf.tensor1d(size, 'int32')], attributes),
          );
        },
      }),
    });
  }
}
