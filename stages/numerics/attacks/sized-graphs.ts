/**
 * One function of a batch as graphs for several numbers of rows. Recording takes as long as many runs, so fewer rows run
 * in a larger graph that is there, until what the rows to spare have cost by then would have paid for a graph of their own.
 */
import { type Graph, recordGraph } from '../tensor/graph.ts';
import type { tf } from '../tensor/tf.ts';

/** Graphs kept at a time; each holds a copy of the weights. */
const MOST_GRAPHS = 8;

interface Sized {
  graph: Graph;
  rows: number;
}

export class SizedGraphs {
  /** By name of the function and number of rows; the last is the one that was used last. */
  readonly #graphs = new Map<string, Sized & { name: string }>();
  /** Milliseconds that rows to spare have cost, by name and number of rows. */
  readonly #wasted = new Map<string, number>();
  /** Milliseconds that recording a function took, the last time. */
  readonly #recording = new Map<string, number>();

  /** Rows that a batch of so many, or more, should be given. */
  rowsFor(name: string, rows: number): number {
    const sizes = [...this.#graphs.values()].filter((known) => known.name === name && known.rows >= rows);
    const fitting = Math.min(...sizes.map((known) => known.rows));
    if (!Number.isFinite(fitting) || fitting === rows) return rows;
    const wasted = this.#wasted.get(`${name}/${rows}`) ?? 0;
    return wasted > this.#recording.get(name)! ? rows : fitting;
  }

  /**
   * @param f of inputs with as many rows as {@link rowsFor} has said
   * @param needed rows that are not to spare
   */
  run(
    name: string,
    needed: number,
    f: (...inputs: tf.Tensor[]) => tf.Tensor,
    inputs: readonly tf.Tensor[],
  ): tf.Tensor {
    const rows = inputs[0]!.shape[0]!;
    const graph = this.#graphOf(name, rows, f, inputs);
    const started = performance.now();
    const result = graph.run(...inputs);
    const share = 1 - needed / rows;
    const key = `${name}/${needed}`;
    this.#wasted.set(key, (this.#wasted.get(key) ?? 0) + share * (performance.now() - started));
    return result;
  }

  dispose(): void {
    for (const { graph } of this.#graphs.values()) graph.dispose();
    this.#graphs.clear();
  }

  #graphOf(
    name: string,
    rows: number,
    f: (...inputs: tf.Tensor[]) => tf.Tensor,
    inputs: readonly tf.Tensor[],
  ): Graph {
    const key = `${name}/${rows}`;
    const known = this.#graphs.get(key) ?? { name, rows, graph: this.#record(name, f, inputs) };
    this.#graphs.delete(key);
    this.#graphs.set(key, known);
    const [oldest] = this.#graphs.keys();
    if (this.#graphs.size > MOST_GRAPHS) {
      this.#graphs.get(oldest!)!.graph.dispose();
      this.#graphs.delete(oldest!);
    }
    return known.graph;
  }

  #record(name: string, f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: readonly tf.Tensor[]): Graph {
    const started = performance.now();
    const graph = recordGraph(f, inputs);
    this.#recording.set(name, performance.now() - started);
    return graph;
  }
}
