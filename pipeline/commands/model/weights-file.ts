/** Reads weights from a safetensors file; a pickle is refused before a byte of it is interpreted. */
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { PipelineError } from '../../../schemas/errors.ts';
import { sha256File } from '../../../store/content-hash.ts';
import { readTensors, type Tensor } from '../../../store/tensor-file.ts';

export interface WeightsFile {
  path: string;
  tensors: Record<string, Tensor>;
  metadata: Record<string, string>;
  sha256: string;
}

/** Throws `USAGE` for a pickle or a folder, `NOT_FOUND`, and `DATA_DAMAGED`. */
export async function readWeightsFile(path: string): Promise<WeightsFile> {
  await refusePickle(path);
  const { tensors, metadata } = await readTensors(path);
  return { path, tensors, metadata, sha256: await sha256File(path) };
}

/** Python that turns what `torch.save` wrote into a safetensors file; also shown in docs/models.md. */
export function conversionScript(from: string, to: string): string {
  return `import torch
from safetensors.torch import save_file

found = torch.load(${JSON.stringify(from)}, map_location="cpu", weights_only=True)
for key in ("state_dict", "model_state_dict", "model", "net"):
    if isinstance(found.get(key), dict):
        found = found[key]
tensors = {name: t.clone().contiguous() for name, t in found.items() if torch.is_tensor(t)}
save_file(tensors, ${JSON.stringify(to)})
print(len(tensors), "tensors")`;
}

async function refusePickle(path: string): Promise<void> {
  const what = await kindOf(path);
  if (what === null) return;
  const converted = `${basename(path).replace(/\.[^.]*$/, '')}.safetensors`;
  throw new PipelineError(
    'USAGE',
    `Expected a safetensors file at ${path}, found ${what}; it is not read, because loading one can run any code that is hidden in it. Convert it once where you trust it, with \`pip install torch safetensors\` and this Python:\n\n${conversionScript(path, converted)}`,
  );
}

/** What a file is that may hold a pickle, by its first bytes; null for anything else, and where there is none. */
async function kindOf(path: string): Promise<string | null> {
  const bytes = new Uint8Array(9);
  const read = await firstBytes(path, bytes);
  // The header of a safetensors file is JSON, after 8 bytes with its length.
  if (read < 4 || bytes[8] === '{'.charCodeAt(0)) return null;
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return 'a zip archive (as torch.save and numpy.savez write)';
  return bytes[0] === 0x80 && bytes[1]! <= 5 ? 'a pickle (as torch.save wrote before 2020)' : null;
}

async function firstBytes(path: string, bytes: Uint8Array): Promise<number> {
  try {
    const file = await open(path, 'r');
    try {
      return (await file.read(bytes, 0, bytes.length, 0)).bytesRead;
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 0;
    throw new PipelineError(
      'NOT_FOUND',
      `Expected to read a safetensors file at ${path}, found that it cannot be read (${code}); check that it is a file and that you may read it.`,
      { cause: error },
    );
  }
}
