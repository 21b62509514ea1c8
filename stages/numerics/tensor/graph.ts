/**
 * A function as a graph of TensorFlow's: run once, its kernels are recorded and handed to TensorFlow as a whole, which
 * then joins convolutions with what follows them, works out constants and reuses memory. For inference alone: what a
 * graph computes leaves no trace on the tape.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { translateDiskError } from '../../../store/atomic-file.ts';
import { attributeOf, nodeDef, savedModel } from './graph-def.ts';
import { tf } from './tf.ts';

/** An attribute as tfjs hands it to the binding. */
interface Attribute {
  name: string;
  type: number;
  value: unknown;
}

/** An input of a kernel: a tensor, or a number that tfjs stands in for a scalar of 64 bits. */
type Input = tf.Tensor | { valueArray: Int32Array; dataId?: undefined };

interface GraphBackend {
  binding: Record<string, number> & {
    loadSavedModel(directory: string, tags: string): number;
    runSavedModel(session: number, inputs: number[], names: string, outputs: string): object[];
    deleteSavedModel(session: number): void;
  };
  getInputTensorIds(inputs: readonly tf.Tensor[]): number[];
  createOutputTensor(metadata: object): tf.Tensor;
  executeSingleOutput(name: string, attributes: Attribute[], inputs: Input[]): tf.Tensor;
  executeMultipleOutputs(name: string, attributes: Attribute[], inputs: Input[], count: number): tf.Tensor[];
}

/** TensorFlow's numbers of data types (types.proto). */
const TYPES = { float32: 1, int32: 3, int64: 9, bool: 10 } as const;
const TAG = 'serve';

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
  const session = load(backend, nodes);
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
function load({ binding }: GraphBackend, nodes: readonly Buffer[]): number {
  const directory = mkdtempSync(join(tmpdir(), 'pag-graph-'));
  try {
    writeFileSync(join(directory, 'saved_model.pb'), savedModel(nodes, TAG));
    return binding.loadSavedModel(directory, TAG);
  } catch (error) {
    throw translateDiskError(error, directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Runs f with every kernel written down. */
function record(
  backend: GraphBackend,
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly tf.Tensor[],
): { nodes: Buffer[]; output: string } {
  const nodes: Buffer[] = [];
  /** Where a tensor comes from; tensors that share their data share the entry. */
  const sources = new Map<object, string>();
  inputs.forEach((x, i) => {
    sources.set(x.dataId, inputName(i));
    const attributes = {
      dtype: attributeOf.type(TYPES[x.dtype as keyof typeof TYPES]),
      shape: attributeOf.shape(x.shape),
    };
    nodes.push(nodeDef(inputName(i), 'Placeholder', [], attributes));
  });
  const sourceOf = (input: Input): string => {
    const known = input.dataId && sources.get(input.dataId);
    if (known !== undefined) return known;
    const name = `constant${nodes.length}`;
    nodes.push(constant(name, input));
    if (input.dataId) sources.set(input.dataId, name);
    return name;
  };
  const note = (op: string, attributes: Attribute[], from: Input[], outputs: tf.Tensor[]) => {
    const sourcesOf = from.map(sourceOf);
    const name = `node${nodes.length}`;
    nodes.push(nodeDef(name, op, sourcesOf, encodeAll(backend.binding, attributes, from)));
    outputs.forEach((output, i) => {
      sources.set(output.dataId, i === 0 ? name : `${name}:${i}`);
    });
  };
  const result = listening(backend, note, () => tf.tidy(() => f(...inputs)));
  const output = sources.get(result.dataId)!;
  result.dispose();
  return { nodes, output: output.includes(':') ? output : `${output}:0` };
}

/** Runs an action while every kernel is noted. */
function listening<T>(
  backend: GraphBackend,
  note: (op: string, attributes: Attribute[], inputs: Input[], outputs: tf.Tensor[]) => void,
  action: () => T,
): T {
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

function constant(name: string, input: Input): Buffer {
  const [type, shape, values] =
    input.dataId === undefined
      ? (['int64', [], BigInt64Array.of(BigInt(input.valueArray[0]!))] as const)
      : ([input.dtype as keyof typeof TYPES, input.shape, input.dataSync()] as const);
  const view = values as Float32Array;
  const content = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const value = attributeOf.tensor(TYPES[type], shape, content);
  return nodeDef(name, 'Const', [], { dtype: attributeOf.type(TYPES[type]), value });
}

/** The attributes by name. Run one by one, a kernel may infer its type from its first input; in a graph it may not. */
function encodeAll(binding: GraphBackend['binding'], attributes: readonly Attribute[], [first]: Input[]) {
  const encoded = attributes.map((attribute) => [attribute.name, encode(binding, attribute)] as const);
  const isTyped = attributes.some(({ type }) => type === binding.TF_ATTR_TYPE);
  const type = first?.dataId && TYPES[first.dtype as keyof typeof TYPES];
  return Object.fromEntries(
    isTyped || type === undefined ? encoded : [...encoded, ['T', attributeOf.type(type)]],
  );
}

function encode(binding: GraphBackend['binding'], { name, type, value }: Attribute): Buffer {
  switch (type) {
    case binding.TF_ATTR_STRING:
      return attributeOf.text(value as string);
    case binding.TF_ATTR_INT:
      return Array.isArray(value) ? attributeOf.integers(value) : attributeOf.integer(value as number);
    case binding.TF_ATTR_FLOAT:
      return attributeOf.float(value as number);
    case binding.TF_ATTR_BOOL:
      return attributeOf.boolean(value as boolean);
    case binding.TF_ATTR_TYPE:
      return attributeOf.type(value as number);
    default:
      throw new Error(`no way to write the attribute ${name} of kind ${type} into a graph`);
  }
}
