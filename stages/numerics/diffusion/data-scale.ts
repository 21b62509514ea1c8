/** The scale in which score models see data: images as [−1, 1], points divided so that their deviation is σ_data. */

/** scaled = data · factor + shift. */
export interface DataScale {
  factor: number;
  shift: number;
}

/**
 * @param box range of the data, or null where it has none
 * @param values all training values; used only without a box
 * @param sigmaData standard deviation that scaled points shall have
 */
export function dataScale(
  box: readonly [number, number] | null,
  values: () => Float32Array,
  sigmaData: number,
): DataScale {
  if (box !== null) return { factor: 2 / (box[1] - box[0]), shift: -(box[1] + box[0]) / (box[1] - box[0]) };
  const all = values();
  // Points are scaled about the origin, so that a noise level in raw coordinates is one number times the factor.
  const square = all.reduce((sum, value) => sum + value * value, 0) / all.length;
  return { factor: sigmaData / Math.sqrt(square), shift: 0 };
}

/** In place. */
export function toScaled(values: Float32Array, { factor, shift }: DataScale): Float32Array {
  for (let i = 0; i < values.length; i++) values[i] = values[i]! * factor + shift;
  return values;
}
