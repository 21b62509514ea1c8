/**
 * Ops of our own: a kernel together with its gradient, known to the tape under one name.
 * Unlike `tf.customGrad`, an op has lazy gradients (a convolution that nobody asks for is not run), may have
 * several outputs, and hands its outputs to its gradient as constants.
 */
import { tf } from '../tensor/tf.ts';

/** What a gradient gets: the op's inputs, on the tape, and its outputs, cut off from the tape. */
export interface Saved<I extends string> {
  inputs: Record<I, tf.Tensor>;
  /** Constants for the tape: use them only where the derivative through them is accounted for by hand. */
  outputs: tf.Tensor[];
}

export interface OpDefinition<I extends string, A extends object> {
  /** Name on the tape; not the name of a kernel of tfjs. */
  name: string;
  inputs: readonly I[];
  /** Number of outputs; 1 where left out. */
  outputCount?: number;
  /** Runs off the tape: any tf function and raw kernel may be used. Intermediate tensors are disposed. */
  forward(inputs: Record<I, tf.Tensor>, attrs: A): tf.Tensor | tf.Tensor[];
  /**
   * Gradients of the inputs, one thunk each, run only where needed.
   * @param dys one cotangent per output; zeros where an output does not reach the result
   */
  gradient(dys: tf.Tensor[], saved: Saved<I>, attrs: A): Record<I, () => tf.Tensor>;
}

export interface Op<I extends string, A extends object> {
  /** Runs the op and records it on the active tape, if there is one. Returns all outputs. */
  run(inputs: Record<I, tf.Tensor>, attrs: A): tf.Tensor[];
  /** Makes the op known to the engine; once, before the first run. */
  register(): void;
}

/**
 * Declares an op. Tensors in `attrs` are constants for the tape; they must outlive it, so take them only from
 * the saved tensors of another op.
 */
export function defineOp<I extends string, A extends object = Record<never, never>>(
  definition: OpDefinition<I, A>,
): Op<I, A> {
  const { name, inputs: names, outputCount = 1 } = definition;
  return {
    run: (inputs, attrs) => {
      const out = tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap);
      return (Array.isArray(out) ? out : [out]) as tf.Tensor[];
    },
    register() {
      tf.registerKernel({
        kernelName: name,
        backendName: 'tensorflow',
        kernelFunc: ({ inputs, attrs }) =>
          tf.tidy(() => definition.forward(inputs as Record<I, tf.Tensor>, attrs as unknown as A)),
      });
      tf.registerGradient({
        kernelName: name,
        inputsToSave: [...names],
        outputsToSave: new Array(outputCount).fill(true),
        gradFunc: (dy, saved, attrs) => {
          const inputs = Object.fromEntries(names.map((input, i) => [input, saved[i]!]));
          const dys = Array.isArray(dy) ? dy : [dy];
          const known = { inputs: inputs as Record<I, tf.Tensor>, outputs: saved.slice(names.length) };
          return definition.gradient(dys, known, attrs as unknown as A);
        },
      });
    },
  };
}
