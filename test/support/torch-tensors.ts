/** Tensors that PyTorch wrote, in our layout. */
import type { ParameterSpec, Parameters } from '../../stages/numerics/tensor/parameters.ts';
import { fileShape } from '../../store/model-files.ts';
import type { Tensor } from '../../store/tensor-file.ts';
import { fromTorch } from '../../store/torch-layout.ts';
import { tf } from './engine.ts';

/** Tensors by name, as PyTorch lays them out. */
export type TorchTensors = Record<string, Tensor>;

const floats = ({ data }: Tensor) => Float32Array.from(data as ArrayLike<number>);

/** Classes, noise levels and results: the same numbers in the same order. */
export const plain = (tensor: Tensor) => tf.tensor(floats(tensor), tensor.shape, 'float32');

/** Images [..., channels, height, width], channels last; bytes stand for 256ths. */
export function images(tensor: Tensor): tf.Tensor {
  const rank = tensor.shape.length;
  const outer = Array.from({ length: rank - 3 }, (_, axis) => axis);
  const turned = tf.transpose(plain(tensor), [...outer, rank - 2, rank - 1, rank - 3]);
  return tensor.data instanceof Uint8Array ? tf.div(turned, 256) : turned;
}

/** One value per parameter, in our layout; what PyTorch calls otherwise or shapes otherwise throws. */
export function valuesOf(specs: readonly ParameterSpec[], tensors: TorchTensors): Parameters {
  const entries = specs.map((spec) => {
    const found = tensors[spec.name];
    if (found?.shape.join() !== fileShape(spec).join()) {
      throw new Error(
        `${spec.name}: expected shape [${fileShape(spec)}], found ${found?.shape ?? 'no such tensor'}`,
      );
    }
    const values = spec.torch ? fromTorch(floats(found), spec.torch) : floats(found);
    return [spec.name, tf.tensor(values, spec.shape)] as const;
  });
  return Object.fromEntries(entries);
}
