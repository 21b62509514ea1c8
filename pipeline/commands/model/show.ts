/** `pipeline model show`: what a model is, or which tensors a file of weights holds. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClassifierModel, ScoreModelDescription } from '../../../schemas/model.ts';
import { sizeOf } from '../../../schemas/shape.ts';
import { readStoredModel } from '../../../stages/numerics/networks/stored-model.ts';
import { sha256File } from '../../../store/content-hash.ts';
import { fileShape, WEIGHTS_FILE } from '../../../store/model-files.ts';
import { showBytes } from '../../../store/show-bytes.ts';
import { COLUMNS, labelled } from '../../fold-text.ts';
import type { World } from '../../world.ts';
import { showShape } from './misfit.ts';
import { usage } from './option-file.ts';
import { scaleText } from './options.ts';
import { readWeightsFile } from './weights-file.ts';

const LABEL = 15;

export interface ShowArguments {
  source?: string | undefined;
  json: boolean;
}

/** As in the file: PyTorch's name and shape. */
interface ShownTensor {
  name: string;
  shape: readonly number[];
  /** A running statistic follows the batches of the training, and no gradient. */
  isTrained: boolean;
}

interface Shown {
  source: string;
  bytes: number;
  sha256: string;
  tensors: ShownTensor[];
}

export async function showCommand({ source, json }: ShowArguments, world: World): Promise<void> {
  if (source === undefined) throw usage('Expected a model folder or a file of weights after show.');
  const isFile = (await stat(source).catch(() => null))?.isFile() ?? false;
  const say = (result: object, lines: readonly string[]) =>
    world.stdout.write(`${json ? JSON.stringify(result, null, 2) : lines.join('\n')}\n`);
  if (isFile) {
    const shown = await ofFile(source);
    say(shown, [...heading(shown), ...table(shown.tensors)]);
  } else {
    const [shown, model] = await ofFolder(source);
    say({ ...shown, ...model }, [...description(model, shown), ...heading(shown), ...table(shown.tensors)]);
  }
}

async function ofFile(path: string): Promise<Shown> {
  const { tensors, sha256 } = await readWeightsFile(path);
  const names = Object.keys(tensors).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const shown = names.map((name) => ({ name, shape: tensors[name]!.shape, isTrained: !isBuffer(name) }));
  return { source: path, bytes: (await stat(path)).size, sha256, tensors: shown };
}

const isBuffer = (name: string) => /(^|\.)(running_mean|running_var|num_batches_tracked)$/.test(name);

async function ofFolder(folder: string): Promise<[Shown, ClassifierModel | ScoreModelDescription]> {
  const { model, layout, trained: specs } = await readStoredModel(folder);
  const path = join(folder, WEIGHTS_FILE);
  const trained = new Set(specs.map(({ name }) => name));
  const tensors = layout.map((entry) => ({
    name: entry.name,
    shape: fileShape(entry),
    isTrained: trained.has(entry.name),
  }));
  return [{ source: path, bytes: (await stat(path)).size, sha256: await sha256File(path), tensors }, model];
}

function description(model: ClassifierModel | ScoreModelDescription, shown: Shown): string[] {
  const { kind, ...settings } = model.network;
  const [file, origin] = [model.provenance.file, model.provenance.sha256];
  const names = model.classNames;
  return [
    ...row('Network', kind),
    ...row('Settings', listed(settings)),
    ...row('Inputs', model.shape.join('x')),
    ...('preconditioning' in model ? ofScore(model) : ofClassifier(model)),
    ...row('Classes', names.length === 0 ? 'none' : `${names.length}: ${names.join(', ')}`),
    ...row('Parameters', model.parameters.toLocaleString('en')),
    ...('preconditioning' in model ? [] : runningStatistics(shown)),
    ...(typeof file === 'string' ? row('Imported from', `${file} sha256 ${String(origin)}`) : []),
  ];
}

const listed = (settings: object) =>
  JSON.stringify(settings).slice(1, -1).replaceAll('"', '').replaceAll(',', ', ');

function ofScore({ preconditioning, scale }: ScoreModelDescription): string[] {
  const { kind, ...settings } = preconditioning;
  return [...row('Denoises', `as ${kind} does, ${listed(settings)}`), ...row('Scale', scaleText('x', scale))];
}

function ofClassifier({ normalization }: ClassifierModel): string[] {
  const [mean, std] = [[normalization.mean].flat(), [normalization.std].flat()];
  const isRaw = mean.every((value) => value === 0) && std.every((value) => value === 1);
  return row('Normalization', isRaw ? 'none' : `(x - [${mean.join(', ')}]) / [${std.join(', ')}]`);
}

function runningStatistics({ tensors }: Shown): string[] {
  const count = countOf(tensors.filter(({ isTrained }) => !isTrained));
  return row('Running stats', count === 0 ? 'none' : `${count.toLocaleString('en')} values`);
}

function heading({ source, bytes, sha256 }: Shown): string[] {
  return [...row('File', `${source} (${showBytes(bytes)})`), ...row('sha256', sha256), ''];
}

const row = (label: string, text: string) => labelled(label, LABEL, text);

function table(tensors: readonly ShownTensor[]): string[] {
  const cells = tensors.map((tensor) => [
    tensor.name,
    `${showShape(tensor.shape)}${tensor.isTrained ? '' : ' running'}`,
    sizeOf(tensor.shape).toLocaleString('en'),
  ]);
  const rows = [["Tensor, PyTorch's layout", 'Shape', 'Values'], ...cells];
  const width = (i: number) => Math.max(...rows.map((cell) => cell[i]!.length));
  const [shape, values] = [width(1), width(2)];
  const name = Math.min(width(0), COLUMNS - shape - values - 4);
  return rows.flatMap(([first, second, third]) => {
    const rest = `${second!.padEnd(shape)}  ${third!.padStart(values)}`;
    // A name that is too long has a line of its own.
    return first!.length > name
      ? [first!, `${''.padEnd(name)}  ${rest}`]
      : [`${first!.padEnd(name)}  ${rest}`];
  });
}

function countOf(tensors: readonly ShownTensor[]): number {
  return tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}
