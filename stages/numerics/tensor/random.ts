/**
 * Random numbers that depend on a name alone: `randomStream(seed, 'noise', image)` gives image i the same noise
 * at any batch size, shard size or number of workers. The engine's own generators are never used.
 */

/** A stream of random numbers. */
export interface RandomStream {
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number;
  /** Standard normal (Box and Muller 1958). */
  normal(): number;
  /** Integer in [0, bound). */
  integer(bound: number): number;
  /** Fills with standard normals. */
  fillNormal(out: Float32Array): Float32Array;
  /** 0 … count − 1 in random order (Fisher and Yates). */
  permutation(count: number): Uint32Array;
}

/** One round of MurmurHash3's 32-bit mixing. */
function mix(state: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = state ^ k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

function hashName(name: readonly (number | string)[], salt: number): number {
  let state = salt;
  for (const part of name) {
    if (typeof part === 'number') {
      state = mix(mix(state, part | 0), Math.floor(part / 0x100000000) | 0);
    } else {
      for (let i = 0; i < part.length; i++) state = mix(state, part.charCodeAt(i));
      state = mix(state, 0x100 + part.length);
    }
  }
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return state ^ (state >>> 16);
}

/** xoshiro128** (Blackman and Vigna 2018), seeded with four hashes of the name. */
function xoshiro(name: readonly (number | string)[]): () => number {
  let a = hashName(name, 0x9e3779b9);
  let b = hashName(name, 0x243f6a88);
  let c = hashName(name, 0xb7e15162);
  let d = hashName(name, 0x6a09e667) | 1;
  return () => {
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result >>> 0;
  };
}

/**
 * The stream of a name.
 *
 * @param name numbers (integers up to 2^53) and words, e.g. seed, purpose, epoch, image
 */
export function randomStream(...name: (number | string)[]): RandomStream {
  const next = xoshiro(name);
  let spare: number | null = null;
  const uniform = () => ((next() >>> 5) * 0x4000000 + (next() >>> 6)) / 0x20000000000000;
  const normal = () => {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  const integer = (bound: number) => Math.floor(uniform() * bound);
  return {
    uniform,
    normal,
    integer,
    fillNormal(out) {
      for (let i = 0; i < out.length; i++) out[i] = normal();
      return out;
    },
    permutation(count) {
      const order = Uint32Array.from({ length: count }, (_, i) => i);
      for (let i = count - 1; i > 0; i--) {
        const j = integer(i + 1);
        const held = order[i]!;
        order[i] = order[j]!;
        order[j] = held;
      }
      return order;
    },
  };
}
