/** `pipeline model export`: one safetensors file that `load_state_dict(strict=True)` takes, and that says what it is. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { readStoredModel } from '../../../stages/numerics/networks/stored-model.ts';
import { makeDirectory } from '../../../store/atomic-file.ts';
import { toStateDict } from '../../../store/model-files.ts';
import { writeTensors } from '../../../store/tensor-file.ts';
import type { World } from '../../world.ts';
import { usage } from './option-file.ts';

/** Key of the metadata under which the file says what `model.json` says. */
export const EXPORTED = 'model';

export interface ExportArguments {
  source?: string | undefined;
  file?: string | undefined;
  json: boolean;
}

export async function exportCommand({ source, file, json }: ExportArguments, world: World): Promise<void> {
  if (source === undefined || file === undefined) {
    throw usage('Expected a model folder and a file (pipeline model export FOLDER OUT.safetensors).');
  }
  if (existsSync(file))
    throw usage(`Expected to write a new file ${file}, found one there already; name another.`);
  const { model, layout, derived, weights } = await readStoredModel(source);
  const tensors = {
    ...toStateDict(layout, weights),
    ...Object.fromEntries(derived.map(({ name, shape, data }) => [name, { shape, data }])),
  };
  await makeDirectory(dirname(resolve(file)));
  await writeTensors(file, tensors, { format: 'pt', [EXPORTED]: JSON.stringify(model) });
  const count = Object.keys(tensors).length;
  world.stdout.write(
    json
      ? `${JSON.stringify({ file, tensors: count, ...model }, null, 2)}\n`
      : `Wrote ${file}: ${count} tensors with PyTorch's names and layouts.\nIn Python: model.load_state_dict(safetensors.torch.load_file(${JSON.stringify(file)}))\n`,
  );
}
