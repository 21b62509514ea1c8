/**
 * TensorFlow's graphs as bytes: the few messages of graph.proto, node_def.proto, attr_value.proto, tensor.proto and
 * saved_model.proto that a graph of kernels needs, in the wire format of Protocol Buffers. Messages are lists of pieces, as
 * the weights of a network should not be copied once for each message that they are in.
 */

/** Bytes one after another. */
export type Pieces = readonly Uint8Array[];

const WIRE = { varint: 0, bytes: 2, fixed32: 5 } as const;
/** Version of graphs that this follows; what came later in TensorFlow keeps to it. */
const PRODUCER = 1882;

function varint(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

const tag = (field: number, wire: number) => varint((field << 3) | wire);

function bytes(field: number, content: Pieces): Pieces {
  const length = content.reduce((sum, piece) => sum + piece.length, 0);
  return [Buffer.from([...tag(field, WIRE.bytes), ...varint(length)]), ...content];
}

const text = (field: number, content: string) => bytes(field, [Buffer.from(content)]);
const integer = (field: number, value: number | bigint): Pieces => [
  Buffer.from([...tag(field, WIRE.varint), ...varint(value)]),
];

function float(field: number, value: number): Pieces {
  const content = Buffer.alloc(4);
  content.writeFloatLE(value);
  return [Buffer.from(tag(field, WIRE.fixed32)), content];
}

const shapeOf = (sides: readonly number[]) => sides.flatMap((side) => bytes(2, integer(1, side)));

/** An attribute's value, as AttrValue. */
export const attributeOf = {
  text: (value: string) => text(2, value),
  integer: (value: number) => integer(3, value),
  integers: (values: readonly number[]) =>
    bytes(
      1,
      values.flatMap((value) => integer(3, value)),
    ),
  float: (value: number) => float(4, value),
  boolean: (value: boolean) => integer(5, value ? 1 : 0),
  /** @param value number of a DataType */
  type: (value: number) => integer(6, value),
  shape: (sides: readonly number[]) => bytes(7, shapeOf(sides)),
  /** @param content little-endian values */
  tensor: (type: number, sides: readonly number[], content: Uint8Array) =>
    bytes(8, [...integer(1, type), ...bytes(2, shapeOf(sides)), ...bytes(4, [content])]),
};

/** One node. @param inputs names of nodes, with `:1` and so on for outputs after the first */
export function nodeDef(
  name: string,
  op: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, Pieces>>,
): Pieces {
  const entries = Object.entries(attributes).flatMap(([key, value]) =>
    bytes(5, [...text(1, key), ...bytes(2, value)]),
  );
  return [...text(1, name), ...text(2, op), ...inputs.flatMap((input) => text(3, input)), ...entries];
}

/** `saved_model.pb` of one graph under a tag, without variables. */
export function savedModel(nodes: readonly Pieces[], tagName: string): Pieces {
  const graph = [...nodes.flatMap((node) => bytes(1, node)), ...bytes(4, integer(1, PRODUCER))];
  const metaGraph = [...bytes(1, text(4, tagName)), ...bytes(2, graph)];
  return [...integer(1, 1), ...bytes(2, metaGraph)];
}
