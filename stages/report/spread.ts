/** Labels at the ends of lines must not cover each other, also where the lines meet. */

/**
 * Positions close to `wanted`, in the same order along the axis, at least `pitch` apart and within [low, high] as
 * long as they fit. Groups of crowded labels share the shift, as in isotonic regression (pool adjacent violators).
 */
export function spread(wanted: number[], pitch: number, low: number, high: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a]! - wanted[b]! || a - b);
  // Taking the pitch out turns "at least a pitch apart" into "not falling".
  const groups: { mean: number; members: number[] }[] = [];
  for (const [rank, index] of order.entries()) {
    let group = { mean: wanted[index]! - rank * pitch, members: [index] };
    for (let last = groups.at(-1); last !== undefined && last.mean > group.mean; last = groups.at(-1)) {
      groups.pop();
      const size = last.members.length + group.members.length;
      const mean = (last.mean * last.members.length + group.mean * group.members.length) / size;
      group = { mean, members: [...last.members, ...group.members] };
    }
    groups.push(group);
  }
  const room = Math.max(low, high - (wanted.length - 1) * pitch);
  const places: number[] = new Array(wanted.length);
  let rank = 0;
  for (const { mean, members } of groups) {
    for (const index of members) places[index] = Math.min(room, Math.max(low, mean)) + rank++ * pitch;
  }
  return places;
}
