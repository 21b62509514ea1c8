/**
 * One function of a batch as graphs for several numbers of rows. Recording takes as long as many runs, so fewer rows run
 * in a larger graph that is there, until what the rows to spare have cost by then would have paid for a graph of their own.
 */
import { recordGraph } from '../tensor/graph.ts';
import { KeptGraphs } from '../tensor/kept-graphs.ts';
import type { tf } from '../tensor/tf.ts';

/** Graphs kept at a time. */
const MOST_GRAPHS = 8;

export class SizedGraphs {
  /** By name of the function and number of rows. */
  readonly #graphs = new KeptGraphs(MOST_GRAPHS);
  /** Milliseconds that rows to spare have cost, by name and number of rows. */
  readonly #wasted = new Map<string, number>();
  /** Milliseconds that recording a function took, the last time. */
  readonly #recording = new Map<string, number>();

  /** Rows that a batch of so many, or more, should be given. */
  rowsFor(name: string, rows: number): number {
    const own = `${name}/`;
    const recorded = this.#graphs.names.filter((key) => key.startsWith(own));
    const sizes = recorded.map((key) => Number(key.slice(own.length)));
    const fitting = Math.min(...sizes.filter((size) => size >= rows));
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
    const graph = this.#graphs.take(`${name}/${rows}`, () => this.#record(name, f, inputs));
    const started = performance.now();
    const result = graph.run(...inputs);
    const share = 1 - needed / rows;
    const key = `${name}/${needed}`;
    this.#wasted.set(key, (this.#wasted.get(key) ?? 0) + share * (performance.now() - started));
    return result;
  }

  dispose(): void {
    this.#graphs.dispose();
  }

  #record(name: string, f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: readonly tf.Tensor[]) {
    const started = performance.now();
    const graph = recordGraph(f, inputs);
    this.#recording.set(name, performance.now() - started);
    return graph;
  }
}
