/** Times several ways to do the same, in turns, so that what else the machine does falls on all of them alike. */

/** Median time of each, in seconds. Each runs once before that counts. */
export async function alternate<K extends string>(
  ways: Record<K, () => unknown>,
  rounds: number,
): Promise<Record<K, number>> {
  const names = Object.keys(ways) as K[];
  const times = new Map<K, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const startMs = performance.now();
      await ways[name]();
      if (round > 0) times.get(name)!.push((performance.now() - startMs) / 1000);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times.get(name)!)])) as Record<K, number>;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
