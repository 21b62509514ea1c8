/** Recorded graphs by name, only so many at a time, as each holds a copy of the weights: the one used longest ago makes room. */
import type { Graph } from './graph.ts';

export class KeptGraphs {
  readonly #most: number;
  /** The last is the one that was used last. */
  readonly #graphs = new Map<string, Graph>();

  constructor(most: number) {
    this.#most = most;
  }

  get names(): string[] {
    return [...this.#graphs.keys()];
  }

  /** @param record makes the graph where it is not there */
  take(name: string, record: () => Graph): Graph {
    const known = this.#graphs.get(name);
    if (known === undefined && this.#graphs.size === this.#most) {
      const [oldest] = this.#graphs.keys();
      this.#graphs.get(oldest!)!.dispose();
      this.#graphs.delete(oldest!);
    }
    const graph = known ?? record();
    this.#graphs.delete(name);
    this.#graphs.set(name, graph);
    return graph;
  }

  dispose(): void {
    for (const graph of this.#graphs.values()) graph.dispose();
    this.#graphs.clear();
  }
}
