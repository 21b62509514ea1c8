/**
 * A network on disk: `model.safetensors` with named tensors in PyTorch's layouts, so that `load_state_dict` takes
 * them as they are, and `model.json` that says what they belong to.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as z from 'zod';
import { PipelineError } from '../schemas/errors.ts';
import type { ClassifierModel, ScoreModelDescription } from '../schemas/model.ts';
import { sizeOf } from '../schemas/shape.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { readTensors, type Tensor, type WritableTensor, writeTensors } from './tensor-file.ts';
import { fromTorch, type TorchLayout, toTorch } from './torch-layout.ts';

export const WEIGHTS_FILE = 'model.safetensors';
export const DESCRIPTION_FILE = 'model.json';

/** Name and shape of each tensor, in the order in which they lie in the flat vector; `torch` where PyTorch's differs. */
export type ModelLayout = readonly { name: string; shape: readonly number[]; torch?: TorchLayout }[];

/** The values of a network. */
export interface ModelWeights {
  /** All values one after the other, in the order of the layout. */
  flat: Float32Array;
  /** PyTorch's `num_batches_tracked` under its full name; 0 for every norm if left out. */
  batchesTracked?: (name: string) => number;
}

/** A tensor's shape in the file. */
export function fileShape({ shape, torch }: ModelLayout[number]): readonly number[] {
  return torch?.shape ?? shape;
}

/** `bn1.num_batches_tracked` for each batch norm `bn1`, which PyTorch's strict loading asks for. */
export function batchCounters(layout: ModelLayout): string[] {
  const means = layout.map(({ name }) => name).filter((name) => /(^|\.)running_mean$/.test(name));
  return means.map((name) => name.replace(/running_mean$/, 'num_batches_tracked'));
}

/** The tensors of `model.safetensors` by name. */
export function toStateDict(
  layout: ModelLayout,
  { flat, batchesTracked = () => 0 }: ModelWeights,
): Record<string, WritableTensor> {
  const tensors: Record<string, WritableTensor> = {};
  let offset = 0;
  for (const entry of layout) {
    const shape = [...fileShape(entry)];
    const size = sizeOf(shape);
    const values = flat.subarray(offset, offset + size);
    tensors[entry.name] = { shape, data: entry.torch ? toTorch(values, entry.torch) : values };
    offset += size;
  }
  for (const name of batchCounters(layout)) {
    tensors[name] = { shape: [], data: BigInt64Array.of(BigInt(batchesTracked(name))) };
  }
  return tensors;
}

/**
 * The inverse of {@link toStateDict}; tensors that the layout does not name are not looked at.
 *
 * @param path where the tensors come from, for the error `SHAPE_MISMATCH`: one is missing, of another shape or type
 */
export function fromStateDict(
  layout: ModelLayout,
  tensors: Record<string, Tensor>,
  path: string,
): Required<ModelWeights> {
  const parts = layout.map((entry) => {
    const found = tensors[entry.name];
    const shape = fileShape(entry);
    if (found?.shape.join() !== shape.join() || !(found.data instanceof Float32Array)) {
      throw new PipelineError(
        'SHAPE_MISMATCH',
        `Expected tensor ${entry.name} of shape [${shape}] and a float type in ${path}, found ${
          found === undefined ? 'no such tensor' : `shape [${found.shape}]${typeOf(found)}`
        }; the weights belong to another network, so choose the network they were trained with.`,
      );
    }
    return entry.torch ? fromTorch(found.data, entry.torch) : found.data;
  });
  const flat = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    flat.set(part, offset);
    offset += part.length;
  }
  return { flat, batchesTracked: (name) => tensors[name]?.data[0] ?? 0 };
}

function typeOf({ data }: Tensor): string {
  return data instanceof Float32Array ? '' : ' of whole numbers';
}

/** Writes both files; `model.json` comes last, so that a folder with it is a whole model. */
export async function writeModel(
  directory: string,
  layout: ModelLayout,
  weights: ModelWeights,
  description: ClassifierModel | ScoreModelDescription,
): Promise<void> {
  await writeTensors(join(directory, WEIGHTS_FILE), toStateDict(layout, weights));
  await writeFileAtomic(join(directory, DESCRIPTION_FILE), `${JSON.stringify(description, null, 2)}\n`);
}

/** Schema of a `model.json`: its version is one number. */
type DescriptionSchema = z.ZodObject<{ version: z.ZodLiteral<number> }>;

/**
 * `model.json` by its schema, {@link classifierModelSchema} or {@link scoreModelSchema}. Throws `NOT_FOUND`,
 * `DATA_DAMAGED` where it is something else, `VERSION_NEWER` and `VERSION_OLDER`.
 */
export async function readModelDescription<Schema extends DescriptionSchema>(
  directory: string,
  schema: Schema,
): Promise<z.infer<Schema>> {
  return parseModelDescription(await readDescription(directory), schema, join(directory, DESCRIPTION_FILE));
}

async function readDescription(directory: string): Promise<string> {
  try {
    return await readFile(join(directory, DESCRIPTION_FILE), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    throw new PipelineError(
      'NOT_FOUND',
      `Expected a model (${DESCRIPTION_FILE} and ${WEIGHTS_FILE}) in ${directory}, found no ${DESCRIPTION_FILE} there; check the path, or make a model with \`pipeline model import\`.`,
    );
  }
}

/** Whether a folder holds a score model; false for anything else that has a `model.json`. Throws `NOT_FOUND`. */
export async function isScoreModel(directory: string): Promise<boolean> {
  return describesScoreModel(await readDescription(directory));
}

/** The same of the text of a description. */
export function describesScoreModel(text: string): boolean {
  try {
    const content = JSON.parse(text) as object | null;
    // Those of older releases have the deviation of the data at the top.
    return content !== null && ['preconditioning', 'sigmaData'].some((key) => Object.hasOwn(content, key));
  } catch {
    return false;
  }
}

/** The same from the text of a description. @param path where the text comes from */
export function parseModelDescription<Schema extends DescriptionSchema>(
  text: string,
  schema: Schema,
  path: string,
): z.infer<Schema> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw damaged(path, 'text that is no JSON', error);
  }
  refuseOtherVersion(content, schema.shape.version.value, path);
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue!.path.join('.') || 'the top';
  throw damaged(path, `a wrong entry at ${place} (${issue!.message})`, parsed.error);
}

function refuseOtherVersion(content: unknown, expected: number, path: string): void {
  const version = (content as { version?: unknown } | null)?.version;
  if (typeof version !== 'number' || version === expected) return;
  const [code, from, cure] =
    version > expected
      ? (['VERSION_NEWER', 'a newer', 'update this program'] as const)
      : (['VERSION_OLDER', 'an older', 'train or import the model again'] as const);
  throw new PipelineError(
    code,
    `Expected a model of version ${expected} in ${path}, found version ${version}, which ${from} release has written; ${cure}.`,
  );
}

function damaged(path: string, found: string, cause: unknown): PipelineError {
  const message = `Expected the description of a model in ${path}, found ${found}; the file is damaged or of another kind, so import or train the model again.`;
  return new PipelineError('DATA_DAMAGED', message, { place: { files: [path] }, cause });
}

/** The weights of a model folder; a tensor that is missing or of another shape is `SHAPE_MISMATCH`. */
export async function readModelWeights(
  directory: string,
  layout: ModelLayout,
): Promise<Required<ModelWeights>> {
  const path = join(directory, WEIGHTS_FILE);
  const { tensors } = await readTensors(path);
  return fromStateDict(layout, tensors, path);
}
