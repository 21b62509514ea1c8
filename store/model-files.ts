/**
 * A network on disk: `model.safetensors` with named tensors in PyTorch's layouts, so that `load_state_dict` takes
 * them as they are, and `model.json` that says what they belong to.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError } from '../schemas/errors.ts';
import type { Json } from '../schemas/stage.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { readTensors, writeTensors } from './tensor-file.ts';
import { fromTorch, type TorchLayout, toTorch } from './torch-layout.ts';

/** Name and shape of each tensor, in the order in which they lie in the flat vector; `torch` where PyTorch's differs. */
export type ModelLayout = readonly { name: string; shape: readonly number[]; torch?: TorchLayout }[];

/** A tensor's shape in the file. */
export function fileShape({ shape, torch }: ModelLayout[number]): readonly number[] {
  return torch?.shape ?? shape;
}

/**
 * @param flat all values one after the other, in the order of `layout`
 * @param description what is needed to build the network again
 */
export async function writeModel(
  directory: string,
  layout: ModelLayout,
  flat: Float32Array,
  description: Json,
): Promise<void> {
  const tensors: Record<string, { shape: number[]; data: Float32Array }> = {};
  let offset = 0;
  for (const entry of layout) {
    const shape = [...fileShape(entry)];
    const size = shape.reduce((product, side) => product * side, 1);
    const values = flat.subarray(offset, offset + size);
    tensors[entry.name] = { shape, data: entry.torch ? toTorch(values, entry.torch) : values };
    offset += size;
  }
  await writeTensors(join(directory, 'model.safetensors'), tensors);
  await writeFileAtomic(join(directory, 'model.json'), `${JSON.stringify(description, null, 2)}\n`);
}

/** The description that {@link writeModel} was given. */
export async function readModelDescription(directory: string): Promise<Json> {
  return JSON.parse(await readFile(join(directory, 'model.json'), 'utf8')) as Json;
}

/** The flat vector of all values; a tensor that is missing or of another shape is `SHAPE_MISMATCH`. */
export async function readModelParameters(directory: string, layout: ModelLayout): Promise<Float32Array> {
  const path = join(directory, 'model.safetensors');
  const { tensors } = await readTensors(path);
  const parts = layout.map((entry) => {
    const found = tensors[entry.name];
    const shape = fileShape(entry);
    if (found?.shape.join() !== shape.join() || !(found.data instanceof Float32Array)) {
      throw new PipelineError(
        'SHAPE_MISMATCH',
        `Expected tensor ${entry.name} of shape [${shape}] and type F32 in ${path}, found ${
          found === undefined ? 'no such tensor' : `shape [${found.shape}]`
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
  return flat;
}
