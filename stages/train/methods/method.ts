/** What a training method is: which images the network sees, and what is added to the cross entropy. */
import type { LogitsOf } from '../../numerics/attacks/oracle.ts';
import type { RandomStream } from '../../numerics/tensor/random.ts';
import type { tf } from '../../numerics/tensor/tf.ts';

/** A batch, or the part of one that goes through the network at a time. */
export interface StepBatch {
  /** Clean images, [batch, ...shape], in the data set's units. */
  x: tf.Tensor;
  labels: Uint16Array;
  /** Labels as [batch, classes]. */
  oneHot: tf.Tensor2D;
  /** Target classes [batch, classes] and target gradients [batch, ...shape]; empty unless the method reads a store. */
  targets: { oneHot: tf.Tensor2D; gradient: tf.Tensor }[];
  /** Images stay inside; null where the data has no bounds. */
  box: readonly [number, number] | null;
  /** Random numbers of the image at a position, its own in every step. */
  randomOf(position: number): RandomStream;
}

/** The recorded forward pass in training mode, which all terms share. */
export interface ForwardPass {
  /** What the network was given, [batch, ...shape]. */
  x: tf.Tensor;
  logits: tf.Tensor2D;
  /** [batch] */
  crossEntropy: tf.Tensor1D;
  /** Another pass in training mode, at other points. Running statistics do not follow it. */
  again(x: tf.Tensor): tf.Tensor2D;
}

/** One part of a penalty, [batch] each; the parts are added up. */
export interface Penalty {
  penalty: tf.Tensor1D;
  /** Its share of the mean cosine between input gradients and targets, where the method has any. */
  cosine?: tf.Tensor1D;
}

/** A training method: `loss = cross entropy of inputs + λ · Σ penalties`. What it leaves out is that of vanilla. */
export interface TrainingMethod {
  /** What the network sees in place of the clean images. Off the tape. `evaluate` is the network in evaluation mode. */
  inputs?(batch: StepBatch, evaluate: LogitsOf): tf.Tensor;
  /** What stands in the place of the cross entropy of the inputs, [batch]. */
  loss?(batch: StepBatch, pass: ForwardPass): tf.Tensor1D;
  /** Parts of the penalty. Each is differentiated and forgotten before the next, so that memory is bounded. */
  penalties?(batch: StepBatch): ((pass: ForwardPass) => Penalty)[];
}
