/** Figures that the stages leave behind and the report is made from: numbers as numbers, never text. */

/** One row of `metrics.parquet` of the train stage. */
export interface EpochMetrics {
  epoch: number;
  step: number;
  learningRate: number;
  lambda: number;
  loss: number;
  crossEntropy: number;
  /** Mean over images of the method's penalty before λ, for `pag` Σ over targets of 1 − cos; 0 where it has none. */
  penalty: number;
  /** Mean cosine between input gradients and targets; NaN is never written, null where none was taken. */
  meanCosine: number | null;
  gradientNorm: number;
  trainAccuracy: number;
  testAccuracy: number;
  /** On the images that are held out; null after epochs without an evaluation. */
  validationAccuracy: number | null;
  /** Right on held-out images without and under the attack of `train.validation`. */
  robustValidationAccuracy: number | null;
}

/** `analysis.json`. Arrays named here lie in `arrays.safetensors` of the same artifact. */
export interface Analysis {
  /** Mean cosine of this classifier's input gradients with its own targets, over training images and targets. */
  alignment: { meanCosine: number; images: number } | null;
  /** Toy: stored gradients against the analytic score difference, and how many of them were compared. */
  scoreAgreement: { meanCosine: number; worstCosine: number; n: number } | null;
  /**
   * Picture arrays, float32, channels last: `images` [n,h,w,c]; `targets` [n,classes,h,w,c] (absent without a
   * store; zeros towards classes without a target); `gradients` [n,classes,h,w,c]; `attacked` [n,classes,h,w,c]. Images in [0, 1].
   */
  pictures: { labels: number[]; eps: number; targetImages: 'train' | 'test' } | null;
  /**
   * Toy: `points` [n,2], `pointLabels` [n], `boundary` [cells,cells] = logit of class 1 minus class 0 over the box
   * (rows upwards in x₂), `arrowsFrom` [m,2], `arrows` [m,2] = target gradients towards the other class.
   */
  plane: { box: { x: [number, number]; y: [number, number] }; cells: number } | null;
}
