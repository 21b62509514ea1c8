/** `pipeline model import`: weights from PyTorch become a model folder, once everything about them is checked. */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { PipelineError } from '../../../schemas/errors.ts';
import type { ClassifierModel, ScoreModelDescription } from '../../../schemas/model.ts';
import type { DerivedTensor } from '../../../stages/numerics/networks/network.ts';
import { type ParameterSpec, parameterCount } from '../../../stages/numerics/tensor/parameters.ts';
import { makeDirectory, temporaryName, translateDiskError } from '../../../store/atomic-file.ts';
import {
  batchCounters,
  fileShape,
  fromStateDict,
  type ModelWeights,
  writeModel,
} from '../../../store/model-files.ts';
import type { Tensor } from '../../../store/tensor-file.ts';
import { matchNames } from '../../../store/torch-names.ts';
import type { World } from '../../world.ts';
import { describeClassifier } from './describe-classifier.ts';
import { describeScore, isScoreImport } from './describe-score.ts';
import type { DescribeOptions } from './described.ts';
import { refuseMisfit } from './misfit.ts';
import { readNameMap } from './name-map.ts';
import { readNetworkText } from './network-option.ts';
import { usage } from './option-file.ts';
import { scaleText } from './options.ts';
import { readWeightsFile, type WeightsFile } from './weights-file.ts';

export interface ImportArguments extends DescribeOptions {
  weights?: string | undefined;
  folder?: string | undefined;
  prefix?: string | undefined;
  map?: string | undefined;
  ignore: string[];
  json: boolean;
}

/** A model that is ready to be written. */
interface Imported {
  model: ClassifierModel | ScoreModelDescription;
  layout: ParameterSpec[];
  weights: ModelWeights;
  prefix: string;
}

export async function importCommand(args: ImportArguments, world: World): Promise<void> {
  const { weights: path, folder } = args;
  if (path === undefined || folder === undefined) {
    throw usage('Expected a file and a folder (pipeline model import WEIGHTS.safetensors FOLDER).');
  }
  await requireEmpty(folder);
  const imported = prepare(await readWeightsFile(path), args);
  await writeFolder(folder, imported);
  world.stdout.write(
    args.json ? `${JSON.stringify(asJson(folder, imported), null, 2)}\n` : tell(folder, imported),
  );
}

async function requireEmpty(folder: string): Promise<void> {
  let found: string;
  try {
    const names = await readdir(folder);
    if (names.length === 0) return;
    found = `one with ${names[0]} in it`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    found = code === 'ENOTDIR' ? 'a file' : `that it cannot be read (${code})`;
  }
  throw usage(`Expected a new or empty folder ${folder}, found ${found}; name another.`);
}

function prepare(file: WeightsFile, args: ImportArguments): Imported {
  const given = args.network === undefined ? undefined : readNetworkText('--network', args.network);
  const describe = isScoreImport(file, args, given) ? describeScore : describeClassifier;
  const { kind, layout, trained, derived, complete } = describe(file, args, given);
  const ours = layout.map((entry) => ({ name: entry.name, shape: fileShape(entry) }));
  const theirs = Object.entries(file.tensors).map(([name, { shape }]) => ({ name, shape }));
  const optional = [...batchCounters(layout), ...derived.map(({ name }) => name)];
  const names = [...ours.map(({ name }) => name), ...optional];
  const match = matchNames(ours, optional, theirs, {
    // Modules end in a dot; it may be left out.
    prefix: args.prefix?.replace(/(?<=[^.])$/, '.'),
    map: args.map === undefined ? {} : readNameMap(args.map, names),
    ignore: args.ignore,
  });
  if (match.idle.length > 0) {
    throw usage(
      `Expected --ignore to name a tensor or module of ${file.path}, found no ${match.idle[0]} there.`,
    );
  }
  refuseMisfit(match, file.path, kind, ours.length);
  const found = [...match.names].map(([name, there]) => [name, file.tensors[there]!] as const);
  for (const [name, tensor] of found) refuseNotFinite(name, tensor, file.path);
  const tensors = Object.fromEntries(found);
  for (const tensor of derived) refuseOtherValues(tensor, tensors[tensor.name], file.path);
  const provenance = {
    file: basename(file.path),
    sha256: file.sha256,
    ...(match.prefix === '' ? {} : { prefix: match.prefix }),
  };
  return {
    model: complete(parameterCount(trained), provenance),
    layout,
    weights: fromStateDict(layout, tensors, file.path),
    prefix: match.prefix,
  };
}

/** A tensor that follows from the settings of the network may be missing, but not be another. */
function refuseOtherValues(
  { name, shape, data }: DerivedTensor,
  found: Tensor | undefined,
  path: string,
): void {
  if (found === undefined) return;
  const isSame =
    found.shape.join() === shape.join() && data.every((value, i) => Math.abs(value - found.data[i]!) < 1e-6);
  if (isSame) return;
  const show = (values: ArrayLike<number>) =>
    Array.from(values, (value) => Number(value.toFixed(4))).join(', ');
  throw new PipelineError(
    'SHAPE_MISMATCH',
    `Expected in tensor ${name} of ${path} the filter [${show(data)}] that --network gives, found [${show(found.data)}]; set filter as the weights were trained with.`,
    { place: { files: [path] } },
  );
}

function refuseNotFinite(name: string, { data }: Tensor, path: string): void {
  const place = data.findIndex((value) => !Number.isFinite(value));
  if (place === -1) return;
  throw new PipelineError(
    'NOT_FINITE',
    `Expected finite float32 values in ${path}, found ${data[place]} in tensor ${name} (value ${place}); the training has diverged, or the value is too large for float32.`,
    { place: { files: [path] } },
  );
}

/** The folder appears at once and complete, by a rename. */
async function writeFolder(folder: string, { layout, weights, model }: Imported): Promise<void> {
  const target = resolve(folder);
  await makeDirectory(dirname(target));
  const unfinished = temporaryName(target);
  try {
    await mkdir(unfinished);
    await writeModel(unfinished, layout, weights, model);
    await rename(unfinished, target);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true }).catch(() => undefined);
    throw translateDiskError(error, target);
  }
}

function asJson(folder: string, { model, prefix }: Imported) {
  return { folder, ...model, prefix };
}

function tell(folder: string, { model, prefix }: Imported): string {
  const { network, parameters, shape, classNames } = model;
  const classes = classNames.length === 0 ? 'without classes' : `and ${classNames.length} classes`;
  const lines = [
    `Imported ${network.kind} (${parameters.toLocaleString('en')} parameters) for inputs of ${shape.join('x')} ${classes} into ${folder}.`,
    ...(prefix === '' ? [] : [`The names in the file begin with ${prefix}, which is left out.`]),
    ...('preconditioning' in model ? tellScore(model) : tellClassifier(model)),
    `Look at it with: pipeline model show ${folder}`,
  ];
  return `${lines.join('\n')}\n`;
}

function tellClassifier({ normalization }: ClassifierModel): string[] {
  const isRaw = normalization.mean === 0 && normalization.std === 1;
  return isRaw ? ['Without --mean and --std, it takes pixels in [0, 1] as they are.'] : [];
}

function tellScore({ preconditioning, scale }: ScoreModelDescription): string[] {
  return [`It denoises as ${preconditioning.kind} does, and sees ${scaleText('pixels', scale)}.`];
}
