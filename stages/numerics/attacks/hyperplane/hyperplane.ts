/** What is asked of a norm where an attack heads for a hyperplane {z: w·z = b} inside the box. */

export interface Hyperplane {
  /** Length of w in the dual norm: a point is |w·x − b| / it away from the hyperplane, if there is no box. */
  steepness(w: Float32Array): number;
  /**
   * The shortest step from a point of the box onto the hyperplane that stays in the box; where the box does not reach
   * the hyperplane, to its corner nearest to it. Croce and Hein 2020 (FAB), appendix.
   *
   * @param point in the box, [size]
   * @param w normal of the hyperplane, [size]
   * @param excess w·point − b
   * @param step overwritten with z − point, [size]
   * @returns length of the step
   */
  stepOnto(
    point: Float32Array,
    w: Float32Array,
    excess: number,
    box: readonly [number, number] | null,
    step: Float32Array,
  ): number;
}
