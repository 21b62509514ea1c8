/**
 * Exact search for the nearest of some vectors, in blocks of bounded size. A matrix product in float32 gives every
 * distance with a known bound on its error; those that may be among the nearest are measured again in double precision,
 * in the order of the estimates, until the bound rules out all that are left.
 */
import { tf } from '../numerics/tensor/tf.ts';
import type { Features } from './features.ts';

/** Bytes of a block of vectors or of a table of distances, so that few of them are alive at once. */
const BLOCK_BYTES = 16 << 20;
/** Estimates that are fetched at first, besides as many as neighbours are wanted; more where they do not suffice. */
const SPARE = 4;

/** The nearest members so far of each query, nearest first; of equally near ones the lower index. */
export interface Nearest {
  /** [queries × wanted]; those that are missing are −1. */
  members: Int32Array;
  /** Squares, [queries × wanted]; infinite where one is missing. */
  distances: Float64Array;
}

/**
 * The `wanted` nearest members of each query, never the query itself.
 *
 * @param queries indices of images
 * @param members indices of images, rising
 */
export function findNearest(
  features: Features,
  queries: Uint32Array,
  members: Uint32Array,
  wanted: number,
): Nearest {
  const found = {
    members: new Int32Array(queries.length * wanted).fill(-1),
    distances: new Float64Array(queries.length * wanted).fill(Number.POSITIVE_INFINITY),
  };
  const rows = Math.max(1, Math.min(Math.floor(BLOCK_BYTES / (4 * features.width)), 2048));
  for (const place of blocks(queries.length, rows)) {
    const asking = queries.subarray(place, place + rows);
    const part = {
      members: found.members.subarray(place * wanted, (place + rows) * wanted),
      distances: found.distances.subarray(place * wanted, (place + rows) * wanted),
    };
    const vectors = features.gather(asking);
    for (const start of blocks(members.length, rows)) {
      const block = members.subarray(start, start + rows);
      new BlockSearch(features, asking, vectors, block, wanted).improve(part);
    }
  }
  return found;
}

function blocks(count: number, size: number): number[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => i * size);
}

/** Queries against one block of members. */
class BlockSearch {
  readonly #width: number;
  readonly #queries: Uint32Array;
  readonly #vectors: Float32Array;
  readonly #members: Uint32Array;
  readonly #others: Float32Array;
  readonly #wanted: number;

  constructor(
    features: Features,
    queries: Uint32Array,
    vectors: Float32Array,
    members: Uint32Array,
    wanted: number,
  ) {
    this.#width = features.width;
    this.#queries = queries;
    this.#vectors = vectors;
    this.#members = members;
    this.#others = features.gather(members);
    this.#wanted = wanted;
  }

  /** Puts the members of this block where they belong among the nearest so far. */
  improve(found: Nearest): void {
    const count = this.#queries.length;
    const norms = squares(this.#others, this.#width);
    const ownNorms = squares(this.#vectors, this.#width);
    const largest = norms.reduce((most, norm) => Math.max(most, norm), 0);
    const tables = this.#estimates(norms);
    let open = Array.from({ length: count }, (_, query) => query);
    for (let kept = this.#wanted + SPARE; open.length > 0; kept *= 4) {
      const fetched = Math.min(kept, this.#members.length);
      const { values, indices } = topOf(tables, open, fetched);
      const isAll = fetched === this.#members.length;
      open = open.filter((query, i) => {
        const at = { values: values.subarray(i * fetched), indices: indices.subarray(i * fetched), fetched };
        const error = errorBound(this.#width, ownNorms[query]!, largest);
        return !this.#measure(found, query, at, ownNorms[query]!, error) && !isAll;
      });
    }
    tables.dispose();
  }

  /** 2 q·m − |m|², [queries × members]: |q|² minus the squared distance. */
  #estimates(norms: Float64Array): tf.Tensor2D {
    return tf.tidy(() => {
      const asking = tf.tensor2d(this.#vectors, [this.#queries.length, this.#width]);
      const others = tf.tensor2d(this.#others, [this.#members.length, this.#width]);
      const products = tf.mul(2, tf.matMul(asking, others, false, true));
      return tf.sub(products, tf.tensor1d(Float32Array.from(norms)));
    });
  }

  /** Measures the candidates of a query; says whether all others are too far. */
  #measure(
    found: Nearest,
    query: number,
    { values, indices, fetched }: { values: Float32Array; indices: Int32Array; fetched: number },
    ownNorm: number,
    error: number,
  ): boolean {
    const last = (query + 1) * this.#wanted - 1;
    for (let i = 0; i < fetched; i++) {
      const least = ownNorm - values[i]! - error;
      if (least > found.distances[last]!) return true;
      const place = indices[i]!;
      const member = this.#members[place]!;
      if (member !== this.#queries[query])
        insert(found, query, this.#wanted, member, this.#distance(query, place));
    }
    return false;
  }

  /** Squared, in double precision. */
  #distance(query: number, place: number): number {
    let sum = 0;
    let a = query * this.#width;
    let b = place * this.#width;
    for (const end = a + this.#width; a < end; a++, b++) sum += (this.#vectors[a]! - this.#others[b]!) ** 2;
    return sum;
  }
}

/** The largest values of some rows, largest first. */
function topOf(table: tf.Tensor2D, rows: number[], count: number) {
  return tf.tidy(() => {
    const chosen = rows.length === table.shape[0] ? table : tf.gather(table, rows);
    const { values, indices } = tf.topk(chosen, count);
    return { values: values.dataSync() as Float32Array, indices: indices.dataSync() as Int32Array };
  });
}

/** Puts a member in its place; one that is there already stays alone. */
function insert(found: Nearest, query: number, wanted: number, member: number, distance: number): void {
  const first = query * wanted;
  const members = found.members.subarray(first, first + wanted);
  const distances = found.distances.subarray(first, first + wanted);
  if (members.includes(member)) return;
  let at = wanted;
  while (at > 0 && isNearer(distance, member, distances[at - 1]!, members[at - 1]!)) at--;
  if (at === wanted) return;
  members.copyWithin(at + 1, at, wanted - 1);
  distances.copyWithin(at + 1, at, wanted - 1);
  members[at] = member;
  distances[at] = distance;
}

function isNearer(distance: number, member: number, than: number, other: number): boolean {
  return distance < than || (distance === than && (other < 0 || member < other));
}

/** Squared lengths in double precision. vectors: [count × width] -> [count]. */
function squares(vectors: Float32Array, width: number): Float64Array {
  const out = new Float64Array(vectors.length / width);
  for (let i = 0; i < vectors.length; i++) out[Math.floor(i / width)]! += vectors[i]! ** 2;
  return out;
}

/**
 * Bound on the error of an estimated squared distance: a sum of n products in float32 in any order errs by at most
 * n·u / (1 − n·u) · |q||m| (Higham 2002, section 3.1), u = 2⁻²⁴, here doubled, besides the roundings of |m|² and of the
 * difference.
 */
function errorBound(width: number, ownNorm: number, largestNorm: number): number {
  const unit = 2 ** -24;
  const product = Math.sqrt(ownNorm * largestNorm);
  return 2 * (width + 4) * unit * product + 4 * unit * (largestNorm + 2 * product);
}
