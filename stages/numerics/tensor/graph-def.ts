/**
 * TensorFlow's graphs as bytes: the few messages of graph.proto, node_def.proto, attr_value.proto, tensor.proto and
 * saved_model.proto that a graph of kernels needs, in the wire format of Protocol Buffers.
 */

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

function bytes(field: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([...tag(field, WIRE.bytes), ...varint(content.length)]), content]);
}

const text = (field: number, content: string) => bytes(field, Buffer.from(content));
const integer = (field: number, value: number | bigint) =>
  Buffer.from([...tag(field, WIRE.varint), ...varint(value)]);

function float(field: number, value: number): Buffer {
  const content = Buffer.alloc(4);
  content.writeFloatLE(value);
  return Buffer.concat([Buffer.from(tag(field, WIRE.fixed32)), content]);
}

const shapeOf = (sides: readonly number[]) => Buffer.concat(sides.map((side) => bytes(2, integer(1, side))));

/** An attribute's value, as AttrValue. */
export const attributeOf = {
  text: (value: string) => text(2, value),
  integer: (value: number) => integer(3, value),
  integers: (values: readonly number[]) => bytes(1, Buffer.concat(values.map((value) => integer(3, value)))),
  float: (value: number) => float(4, value),
  boolean: (value: boolean) => integer(5, value ? 1 : 0),
  /** @param value number of a DataType */
  type: (value: number) => integer(6, value),
  shape: (sides: readonly number[]) => bytes(7, shapeOf(sides)),
  /** @param content little-endian values */
  tensor: (type: number, sides: readonly number[], content: Uint8Array) =>
    bytes(8, Buffer.concat([integer(1, type), bytes(2, shapeOf(sides)), bytes(4, content)])),
};

/** One node. @param inputs names of nodes, with `:1` and so on for outputs after the first */
export function nodeDef(
  name: string,
  op: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, Uint8Array>>,
): Buffer {
  const entries = Object.entries(attributes).map(([key, value]) =>
    bytes(5, Buffer.concat([text(1, key), bytes(2, value)])),
  );
  const parts = [text(1, name), text(2, op), ...inputs.map((input) => text(3, input)), ...entries];
  return Buffer.concat(parts);
}

/** `saved_model.pb` of one graph under a tag, without variables. */
export function savedModel(nodes: readonly Buffer[], tagName: string): Buffer {
  const graph = Buffer.concat([...nodes.map((node) => bytes(1, node)), bytes(4, integer(1, PRODUCER))]);
  const metaGraph = Buffer.concat([bytes(1, text(4, tagName)), bytes(2, graph)]);
  return Buffer.concat([integer(1, 1), bytes(2, metaGraph)]);
}
