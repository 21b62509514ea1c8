/** From one row for each image to one row for each ask: what a network does before it sees the class, it does once. */
import { tf } from '../../tensor/tf.ts';

/** [images, ...] -> [asks, ...] */
export type Spread = <T extends tf.Tensor>(perImage: T) => T;

export const noSpread: Spread = (perAsk) => perAsk;

/** @param places the image of each ask, [asks]; each ask has an image of its own if left out */
export function spreadBy(places?: tf.Tensor1D): Spread {
  return places === undefined ? noSpread : (perImage) => tf.gather(perImage, places);
}
