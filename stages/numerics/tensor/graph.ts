/**
 * A function as a graph of TensorFlow's: run once, its kernels are recorded and handed to TensorFlow as a whole, which
 * then joins convolutions with what follows them, works out constants and reuses memory. For inference alone: what a
 * graph computes leaves no trace on the tape.
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { translateDiskError } from '../../../store/atomic-file.ts';
import { type Pieces, savedModel } from './graph-def.ts';
import {
  constantNode,
  encodeNode,
  type GraphAttribute,
  type GraphNode,
  TYPES,
  type TypeName,
} from './graph-node.ts';
import { nodeName, rewriteGraph } from './rewrite-graph.ts';
import { type StandInBackend, withStandIns } from './stand-ins.ts';
import { tf } from './tf.ts';

/** An attribute as tfjs hands it to the binding. */
interface Attribute {
  name: string;
  type: number;
  value: unknown;
}

/** An input of a kernel: a tensor, or a number that tfjs stands in for a scalar of 64 bits. */
type Input = tf.Tensor | { valueArray: Int32Array; dataId?: undefined };

interface GraphBackend extends StandInBackend {
  binding: StandInBackend['binding'] & {
    readonly [constant: `TF_ATTR_${string}`]: number;
    loadSavedModel(directory: string, tags: string): number;
    runSavedModel(session: number, inputs: number[], names: string, outputs: string): object[];
    deleteSavedModel(session: number): void;
  };
  getInputTensorIds(inputs: readonly tf.Tensor[]): number[];
  createOutputTensor(metadata: object): tf.Tensor;
  executeSingleOutput(name: string, attributes: Attribute[], inputs: Input[]): tf.Tensor;
  executeMultipleOutputs(name: string, attributes: Attribute[], inputs: Input[], count: number): tf.Tensor[];
}

const TAG = 'serve';
/** Most pieces of a file are a few bytes: they are joined before they are written, up to so many and up to a large one. */
const PIECES_AT_ONCE = 4096;
const LARGE_BYTES = 1 << 20;

export interface Graph {
  /** Takes as many tensors as the function, of the shapes it was recorded with. */
  run(...inputs: tf.Tensor[]): tf.Tensor;
  /** Gives its memory back; it cannot run any more. */
  dispose(): void;
}

/**
 * Records a function. Everything but its inputs becomes a constant of the graph, so it must not read their values.
 *
 * @param f tensors -> one tensor, by kernels of TensorFlow alone
 * @param inputs give the types and shapes
 */
export function recordGraph(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: readonly tf.Tensor[]): Graph {
  const backend = tf.backend() as unknown as GraphBackend;
  const { nodes, output } = record(backend, f, inputs);
  const session = load(backend, rewriteGraph(nodes, nodeName(output)).map(encodeNode));
  const names = inputs.map((_, i) => `${inputName(i)}:0`).join(',');
  return {
    run: (...given) => {
      const ids = backend.getInputTensorIds(given);
      const [metadata] = backend.binding.runSavedModel(session, ids, names, output);
      return backend.createOutputTensor(metadata!);
    },
    dispose: () => backend.binding.deleteSavedModel(session),
  };
}

const inputName = (i: number) => `input${i}`;

/** TensorFlow loads graphs from files only; this one is gone again once it is loaded. */
function load({ binding }: GraphBackend, nodes: readonly Pieces[]): number {
  const directory = mkdtempSync(join(tmpdir(), 'pag-graph-'));
  try {
    writePieces(join(directory, 'saved_model.pb'), savedModel(nodes, TAG));
    return binding.loadSavedModel(directory, TAG);
  } catch (error) {
    throw translateDiskError(error, directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function writePieces(path: string, pieces: Pieces): void {
  const file = openSync(path, 'w');
  try {
    let small: Uint8Array[] = [];
    for (const piece of pieces) {
      small.push(piece);
      if (small.length < PIECES_AT_ONCE && piece.length < LARGE_BYTES) continue;
      writeFileSync(file, small.length === 1 ? piece : Buffer.concat(small));
      small = [];
    }
    writeFileSync(file, Buffer.concat(small));
  } finally {
    closeSync(file);
  }
}

/** Runs f with every kernel written down; what depends on constants alone is one. */
function record(
  backend: GraphBackend,
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly tf.Tensor[],
): { nodes: GraphNode[]; output: string } {
  const nodes: GraphNode[] = [];
  /** Where a tensor comes from; tensors that share their data share the entry. */
  const sources = new Map<object, string>();
  const constants = new Set<string>();
  inputs.forEach((x, i) => {
    sources.set(x.dataId, inputName(i));
    const attributes = { dtype: { type: TYPES[x.dtype as TypeName] }, shape: { shape: x.shape } };
    nodes.push({ name: inputName(i), op: 'Placeholder', inputs: [], attributes, shape: x.shape });
  });
  const noteConstant = (input: Input): string => {
    const name = `constant${nodes.length}`;
    nodes.push(constant(name, input));
    constants.add(name);
    if (input.dataId) sources.set(input.dataId, name);
    return name;
  };
  const sourceOf = (input: Input) => (input.dataId && sources.get(input.dataId)) ?? noteConstant(input);
  /** Says whether it became a node. */
  const note = (op: string, attributes: Attribute[], from: Input[], outputs: tf.Tensor[]): boolean => {
    const known = from.map((input) => input.dataId && sources.get(input.dataId));
    // Reading its values later, where it is needed at all, makes it a constant.
    if (known.every((name) => name === undefined || constants.has(name))) return false;
    const name = `node${nodes.length}`;
    const node = {
      name,
      op,
      inputs: from.map(sourceOf),
      attributes: allAttributes(backend.binding, attributes, from),
      shape: outputs[0]!.shape,
    };
    nodes.push(node);
    outputs.forEach((output, i) => {
      sources.set(output.dataId, i === 0 ? name : `${name}:${i}`);
    });
    return true;
  };
  return withStandIns(backend, (replace) => {
    const listen: Listener = (op, attributes, from, outputs) => {
      if (note(op, attributes, from, outputs)) for (const output of outputs) replace(output);
    };
    const result = listening(backend, listen, () => tf.tidy(() => f(...inputs)));
    const output = sourceOf(result);
    result.dispose();
    return { nodes, output: output.includes(':') ? output : `${output}:0` };
  });
}

/** Is told of a kernel, once it has run. */
type Listener = (op: string, attributes: Attribute[], inputs: Input[], outputs: tf.Tensor[]) => void;

/** Runs an action while every kernel is noted. */
function listening<T>(backend: GraphBackend, note: Listener, action: () => T): T {
  const { executeSingleOutput, executeMultipleOutputs } = backend;
  backend.executeSingleOutput = (op, attributes, inputs) => {
    const output = executeSingleOutput.call(backend, op, attributes, inputs);
    note(op, attributes, inputs, [output]);
    return output;
  };
  backend.executeMultipleOutputs = (op, attributes, inputs, count) => {
    const outputs = executeMultipleOutputs.call(backend, op, attributes, inputs, count);
    note(op, attributes, inputs, outputs);
    return outputs;
  };
  try {
    return action();
  } finally {
    Object.assign(backend, { executeSingleOutput, executeMultipleOutputs });
  }
}

function constant(name: string, input: Input): GraphNode {
  return input.dataId === undefined
    ? constantNode(name, 'int64', [], BigInt64Array.of(BigInt(input.valueArray[0]!)))
    : constantNode(name, input.dtype as TypeName, input.shape, input.dataSync() as Float32Array);
}

/** The attributes by name. Run one by one, a kernel may infer its type from its first input; in a graph it may not. */
function allAttributes(binding: GraphBackend['binding'], attributes: readonly Attribute[], [first]: Input[]) {
  const noted = attributes.map((attribute) => [attribute.name, convert(binding, attribute)] as const);
  const isTyped = attributes.some(({ type }) => type === binding.TF_ATTR_TYPE);
  const type = first?.dataId && TYPES[first.dtype as TypeName];
  return Object.fromEntries(isTyped || type === undefined ? noted : [...noted, ['T', { type }] as const]);
}

function convert(binding: GraphBackend['binding'], { name, type, value }: Attribute): GraphAttribute {
  switch (type) {
    case binding.TF_ATTR_STRING:
      return { text: value as string };
    case binding.TF_ATTR_INT:
      return Array.isArray(value) ? { ints: value } : { int: value as number };
    case binding.TF_ATTR_FLOAT:
      return { float: value as number };
    case binding.TF_ATTR_BOOL:
      return { bool: value as boolean };
    case binding.TF_ATTR_TYPE:
      return { type: value as number };
    default:
      throw new Error(`no way to write the attribute ${name} of kind ${type} into a graph`);
  }
}
