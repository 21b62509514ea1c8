/**
 * How PyTorch lays out the values that we keep channels last: convolutions as [out, in, height, width], dense
 * layers as [out, in], and the inputs of a dense layer behind a flattened image as channel, row, column.
 */
import { sizeOf } from '../schemas/shape.ts';

/** The way from our values to PyTorch's: cut into `cut`, axes put into `order`, read as `shape`. */
export interface TorchLayout {
  cut: readonly number[];
  order: readonly number[];
  shape: readonly number[];
}

/** For [height, width, inputs, outputs] -> [outputs, inputs, height, width]. */
export function convolutionLayout([height, width, inputs, outputs]: readonly number[]): TorchLayout {
  return {
    cut: [height!, width!, inputs!, outputs!],
    order: [3, 2, 0, 1],
    shape: [outputs!, inputs!, height!, width!],
  };
}

/** For [inputs, outputs] -> [outputs, inputs]. `flattened` is the image [height, width, channels] that the inputs were. */
export function denseLayout(inputs: number, outputs: number, flattened?: readonly number[]): TorchLayout {
  if (flattened?.length !== 3) return { cut: [inputs, outputs], order: [1, 0], shape: [outputs, inputs] };
  return { cut: [...flattened, outputs], order: [3, 2, 0, 1], shape: [outputs, inputs] };
}

/** For one value per entry of a flattened image [height, width, channels]; undefined where the vector was none. */
export function vectorLayout(flattened?: readonly number[]): TorchLayout | undefined {
  if (flattened?.length !== 3) return undefined;
  const size = sizeOf(flattened);
  return { cut: flattened, order: [2, 0, 1], shape: [size] };
}

/** Our values in PyTorch's order. */
export function toTorch(values: Float32Array, { cut, order }: TorchLayout): Float32Array {
  return transposed(values, cut, order);
}

/** PyTorch's values in our order. */
export function fromTorch(values: Float32Array, { cut, order }: TorchLayout): Float32Array {
  const inverse = order.map((_, axis) => order.indexOf(axis));
  return transposed(
    values,
    order.map((axis) => cut[axis]!),
    inverse,
  );
}

/** Row-major values of `shape`, with axis `order[i]` in place i. */
function transposed(values: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const sides = order.map((axis) => shape[axis]!);
  const steps = order.map((axis) => strides[axis]!);
  const out = new Float32Array(values.length);
  const place = sides.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    out[to] = values[from]!;
    // As an odometer: the last axis turns fastest.
    for (let axis = sides.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++place[axis]! < sides[axis]!) break;
      from -= steps[axis]! * sides[axis]!;
      place[axis] = 0;
    }
  }
  return out;
}
