/** A recorded graph in its own words, before it becomes bytes: kernels in an order in which they can run. */
import { attributeOf, nodeDef, type Pieces } from './graph-def.ts';

/** TensorFlow's numbers of data types (types.proto). */
export const TYPES = { float32: 1, int32: 3, int64: 9, bool: 10 } as const;

export type TypeName = keyof typeof TYPES;

/** An attribute of a kernel; its form says which kind it is. */
export type GraphAttribute =
  | { text: string }
  | { int: number }
  | { ints: readonly number[] }
  | { float: number }
  | { bool: boolean }
  | { type: number }
  | { shape: readonly number[] };

export interface GraphNode {
  name: string;
  /** TensorFlow's name of the kernel. */
  op: string;
  /** Names of nodes, with `:1` and so on for outputs after the first. */
  inputs: readonly string[];
  attributes: Readonly<Record<string, GraphAttribute>>;
  /** Shape of the first output. */
  shape: readonly number[];
  /** Of a constant. */
  values?: Float32Array | Int32Array | Uint8Array | BigInt64Array;
}

export function constantNode(
  name: string,
  type: TypeName,
  shape: readonly number[],
  values: NonNullable<GraphNode['values']>,
): GraphNode {
  return { name, op: 'Const', inputs: [], attributes: { dtype: { type: TYPES[type] } }, shape, values };
}

/** As NodeDef. */
export function encodeNode({ name, op, inputs, attributes, shape, values }: GraphNode): Pieces {
  const encoded = Object.entries(attributes).map(([key, attribute]) => [key, encode(attribute)] as const);
  if (values !== undefined) {
    const content = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const { type } = attributes.dtype as { type: number };
    encoded.push(['value', attributeOf.tensor(type, shape, content)]);
  }
  return nodeDef(name, op, inputs, Object.fromEntries(encoded));
}

function encode(attribute: GraphAttribute): Pieces {
  if ('text' in attribute) return attributeOf.text(attribute.text);
  if ('int' in attribute) return attributeOf.integer(attribute.int);
  if ('ints' in attribute) return attributeOf.integers(attribute.ints);
  if ('float' in attribute) return attributeOf.float(attribute.float);
  if ('bool' in attribute) return attributeOf.boolean(attribute.bool);
  if ('type' in attribute) return attributeOf.type(attribute.type);
  return attributeOf.shape(attribute.shape);
}
