/** What one attack setting has made of each image, [n] each. */
export interface Outcome {
  /** Still right (untargeted), or not led to the target (targeted). */
  survived: boolean[];
  /** Prediction on the adversarial image; on the clean one where the attack had nothing to do or failed. */
  prediction: number[];
  /** Length of the perturbation in the attack's norm; 0 where nothing was found. */
  distance: number[];
  /** Class to be reached, −1 for untargeted attacks. */
  target: number[];
  /** Points at which the classifier was asked. */
  queries: number[];
  /** Those of them with a gradient. */
  gradients: number[];
  /** Its share of the time; depends on the machine. */
  seconds: number[];
  /** The part of a cascade that led it astray; −1 where none did. */
  part: number[];
}
