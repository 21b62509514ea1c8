/**
 * A typed door to raw TensorFlow kernels that tfjs does not wrap (FusedBatchNormV3, ReluGrad, MaxPoolGradGrad …).
 * A raw kernel leaves no trace on the gradient tape: call it inside an op of numerics/gradients, which does.
 */
import { PipelineError } from '../../../schemas/errors.ts';
import { tf } from './tf.ts';

/** Value of one attribute of a kernel; the form says which kind of attribute it is. */
export type KernelAttribute =
  | boolean
  | string
  | { readonly dtype: 'float32' | 'int32' | 'bool' }
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number };

/** The type attribute that nearly every kernel wants as `T`. */
export const FLOAT32: KernelAttribute = { dtype: 'float32' };

/** The part of the TensorFlow backend that this door uses. */
interface TensorFlowBackend {
  readonly binding: Record<string, number>;
  executeMultipleOutputs(
    name: string,
    attributes: { name: string; type: number; value: unknown }[],
    inputs: readonly tf.Tensor[],
    outputs: number,
  ): tf.Tensor[];
}

/** Names of the binding's constants for the data types. */
const TYPE_CONSTANTS = { float32: 'TF_FLOAT', int32: 'TF_INT32', bool: 'TF_BOOL' } as const;

/** @throws PipelineError ENGINE_WRONG when another backend than TensorFlow is active */
function tensorFlowBackend(opName: string): TensorFlowBackend {
  if (tf.getBackend() !== 'tensorflow') {
    throw new PipelineError(
      'ENGINE_WRONG',
      `Expected the TensorFlow engine for the kernel ${opName}, found the backend "${tf.getBackend()}". ` +
        'Register the engine before any numerics run; `pipeline doctor` shows its state.',
    );
  }
  return tf.backend() as unknown as TensorFlowBackend;
}

/** One attribute in the form that the binding wants: its kind by number, and its value. */
function encode(binding: Record<string, number>, name: string, attribute: KernelAttribute) {
  if (typeof attribute === 'boolean') return { name, type: binding.TF_ATTR_BOOL!, value: attribute };
  if (typeof attribute === 'string') return { name, type: binding.TF_ATTR_STRING!, value: attribute };
  if ('int' in attribute) return { name, type: binding.TF_ATTR_INT!, value: attribute.int };
  if ('ints' in attribute) return { name, type: binding.TF_ATTR_INT!, value: attribute.ints };
  if ('float' in attribute) return { name, type: binding.TF_ATTR_FLOAT!, value: attribute.float };
  return { name, type: binding.TF_ATTR_TYPE!, value: binding[TYPE_CONSTANTS[attribute.dtype]] };
}

/**
 * Runs one TensorFlow kernel.
 * @param opName TensorFlow's name of the op, e.g. `ReluGrad`
 * @param attributes the op's attributes by name; those with a default may be left out
 * @param inputs in TensorFlow's order
 * @param outputs number of outputs the op has
 * @returns the outputs, tracked by the enclosing tidy
 * @throws PipelineError ENGINE_WRONG when another backend than TensorFlow is active
 */
export function runKernel(
  opName: string,
  attributes: Readonly<Record<string, KernelAttribute>>,
  inputs: readonly tf.Tensor[],
  outputs = 1,
): tf.Tensor[] {
  const backend = tensorFlowBackend(opName);
  const encoded = Object.entries(attributes).map(([name, value]) => encode(backend.binding, name, value));
  return backend.executeMultipleOutputs(opName, encoded, inputs, outputs);
}

/** {@link runKernel} for a kernel with one output and float32 as its only type. */
export function runFloatKernel(
  opName: string,
  inputs: readonly tf.Tensor[],
  attributes: Readonly<Record<string, KernelAttribute>> = {},
): tf.Tensor {
  return runKernel(opName, { T: FLOAT32, ...attributes }, inputs)[0]!;
}
