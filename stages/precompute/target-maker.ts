/** What each kind of target gradient offers. */

/** Computes target gradients for a run of training images. */
export interface TargetMaker {
  /** One sentence for people, kept with the store. */
  description: string;
  /**
   * g(x, y) for images `first` … `first + count − 1` and every class, image-major and class-minor:
   * [count × classes × size]. A gradient depends on (configuration, image) alone, not on the range asked for.
   */
  compute(first: number, count: number, onImage: (done: number) => Promise<void>): Promise<Float32Array>;
}
