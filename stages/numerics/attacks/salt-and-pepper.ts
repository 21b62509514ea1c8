/**
 * Salt-and-pepper noise (as in Foolbox, Rauber et al. 2017): some pixels, in all their channels, become white or black. The
 * first draw changes one pixel, the last one all of them, the draws between grow in equal ratios. What is longer than ε is
 * projected onto the ball: in L∞ the pixels change by ε, in L2 all of them by less, in L1 the smallest changes go first. So
 * in each norm the draws lead from few pixels changed much to many changed little.
 */
import type { Problem } from './attack.ts';
import { type NoiseOptions, repeatedly } from './repeated-noise.ts';

/** Without a box, black and white are the least and the largest value of the image. */
export const saltAndPepper = (options: NoiseOptions = {}) =>
  repeatedly(options, ({ image, shape, norm, eps, box, random }: Problem, number, draws) => {
    const channels = shape.length === 3 ? shape[2]! : 1;
    const pixels = image.length / channels;
    const count = draws === 1 ? pixels : Math.round(pixels ** ((number - 1) / (draws - 1)));
    const [black, white] = box ?? rangeOf(image);
    const x = image.slice();
    for (const pixel of random.permutation(pixels).subarray(0, count)) {
      x.fill(random.uniform() < 0.5 ? black : white, pixel * channels, (pixel + 1) * channels);
    }
    return norm.project(x, image, eps, box);
  });

function rangeOf(image: Float32Array): [number, number] {
  let [least, largest] = [image[0]!, image[0]!];
  for (const value of image) {
    least = Math.min(least, value);
    largest = Math.max(largest, value);
  }
  return [least, largest];
}
