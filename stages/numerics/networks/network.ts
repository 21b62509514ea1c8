/** What every classifier and every score network offers: a list of parameters and a pure function of them. */
import type { ParameterSpec, Parameters } from '../tensor/parameters.ts';
import type { tf } from '../tensor/tf.ts';

/** A classifier. Pixel range and normalisation are its own business: it takes images in the data set's units. */
export interface Classifier {
  parameters: ParameterSpec[];
  /** Running statistics, which are part of the model but not trained. Empty for networks without batch norm. */
  buffers: ParameterSpec[];
  /**
   * @param values parameters and buffers by name
   * @param x [batch, ...shape]
   * @param training what a training pass does besides; left out for evaluation
   * @returns logits [batch, classes]
   */
  logits(values: Parameters, x: tf.Tensor, training?: TrainingPass): tf.Tensor2D;
}

/** One pass in training mode: batch norms use and report the statistics of the batch, dropout is at work. */
export interface TrainingPass {
  /** Statistics of the batch by the name of the buffer that follows them, [channels] each. */
  statistics: Map<string, tf.Tensor1D>;
  /**
   * A mask of dropout: 1 / (1 − rate) where a value is kept, else 0; each image's part is its own.
   *
   * @param shape [batch, ...]
   */
  dropoutMask(shape: readonly number[], rate: number): tf.Tensor;
}

/** One training pass of a score network. */
export interface ScorePass extends Pick<TrainingPass, 'dropoutMask'> {
  /** How each image was augmented, [batch, augmentations]; a network that is not told sees zeros. */
  augmentation?: tf.Tensor2D;
}

/** A tensor of PyTorch's state_dict whose values follow from the settings of the network. */
export interface DerivedTensor {
  name: string;
  shape: number[];
  data: Float32Array;
}

/** A network F that score models wrap (Karras et al. 2022, eq. 7). */
export interface ScoreNetwork {
  parameters: ParameterSpec[];
  /** What a file for PyTorch holds besides the parameters; nothing if left out. */
  derived?: DerivedTensor[];
  /**
   * @param x [images, ...shape]
   * @param noise c_noise, [images]
   * @param oneHot class as [batch, classes]; a row of zeros asks for the unconditional output
   * @param pass what a training pass does besides; left out for evaluation
   * @param places the image of each row of `oneHot`, int32 [batch]; if left out, each row has its own. What comes before
   *   the class is then computed once for each image.
   * @returns [batch, ...shape], or twice the channels where a variance is learned too
   */
  forward(
    parameters: Parameters,
    x: tf.Tensor,
    noise: tf.Tensor1D,
    oneHot: tf.Tensor2D,
    pass?: ScorePass,
    places?: tf.Tensor1D,
  ): tf.Tensor;
}
