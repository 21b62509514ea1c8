/** What each kind of target gradient offers. */

/** Computes target gradients for a run of training images. */
export interface TargetMaker {
  /** One sentence for people, kept with the store. */
  description: string;
  /** g(x, y) for the images and classes that are asked for: [count × targets × size], image-major. */
  compute(wanted: WantedTargets): Promise<Float32Array>;
}

/**
 * Images `first` … `first + count − 1`, and the classes towards which each is to have a gradient. A gradient depends on
 * (configuration, image, class) alone, not on what else is asked for.
 */
export interface WantedTargets {
  first: number;
  count: number;
  /** [count × targets] */
  classes: Uint16Array;
  /** Told now and then how many images are done; may throw to stop the work. */
  onImage(done: number): Promise<void>;
}
