/** Names for narrow places: the ends of lines and the columns of a terminal. */

/** Labels longer than this do not fit beside a plot. */
export const MOST_LETTERS = 16;

/** The labels themselves where all of them are short, else running numbers, which the legend explains. */
export function shortNames(labels: string[]): string[] {
  const fit = labels.every((label) => [...label].length <= MOST_LETTERS);
  return fit ? labels : labels.map((_, i) => String(i + 1));
}

/** The label with its number where numbers are used: `3 · λ 5, seed 1`. */
export function fullName({ label, short }: { label: string; short: string }): string {
  return label === short ? label : `${short} · ${label}`;
}
