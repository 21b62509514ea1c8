/** Nodes that several rules put together. All of them work on float32, channels last. */
import { constantNode, type GraphAttribute, type GraphNode } from '../graph-node.ts';

const FLOAT: GraphAttribute = { type: 1 };
const INT32: GraphAttribute = { type: 3 };

/** The nodes that take the place of one, under names that begin with its own. */
export class Steps {
  readonly nodes: GraphNode[] = [];
  readonly #name: string;
  readonly #what: string;

  /** @param what name of the rule, as several may replace the same node one after the other */
  constructor(replaced: GraphNode, what: string) {
    this.#name = replaced.name;
    this.#what = what;
  }

  constant(values: Float32Array, shape: readonly number[]): string {
    return this.#push(constantNode(this.#next(), 'float32', shape, values));
  }

  integers(values: readonly number[]): string {
    return this.#push(constantNode(this.#next(), 'int32', [values.length], Int32Array.from(values)));
  }

  add(
    op: string,
    inputs: readonly string[],
    shape: readonly number[],
    attributes: GraphNode['attributes'] = {},
  ): string {
    return this.#push({ name: this.#next(), op, inputs, attributes: { T: FLOAT, ...attributes }, shape });
  }

  reshape(from: string, shape: readonly number[]): string {
    return this.add('Reshape', [from, this.integers(shape)], shape, { Tshape: INT32 });
  }

  transpose(from: string, order: readonly number[], shape: readonly number[]): string {
    return this.add('Transpose', [from, this.integers(order)], shape, { Tperm: INT32 });
  }

  slice(from: string, begin: readonly number[], size: readonly number[]): string {
    return this.add('Slice', [from, this.integers(begin), this.integers(size)], size, { Index: INT32 });
  }

  /** The nodes, with the last one under the name of what they replace. */
  done(): GraphNode[] {
    return [...this.nodes.slice(0, -1), { ...this.nodes.at(-1)!, name: this.#name }];
  }

  #next(): string {
    return `${this.#name}/${this.#what}${this.nodes.length}`;
  }

  #push(node: GraphNode): string {
    this.nodes.push(node);
    return node.name;
  }
}

/** The attributes of Conv2D with stride 1. */
export const convolutionAttributes = (padding: GraphNode['attributes']): GraphNode['attributes'] => ({
  strides: { ints: [1, 1, 1, 1] },
  data_format: { text: 'NHWC' },
  ...padding,
});
