/** `pipeline model import`: weights from PyTorch become a model folder, once everything about them is checked. */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { PipelineError } from '../../../schemas/errors.ts';
import { type ClassifierModel, classifierModelSchema, MODEL_VERSION } from '../../../schemas/model.ts';
import { networkOf } from '../../../stages/numerics/networks/trained-classifier.ts';
import { type ParameterSpec, parameterCount } from '../../../stages/numerics/tensor/parameters.ts';
import { makeDirectory, temporaryName, translateDiskError } from '../../../store/atomic-file.ts';
import {
  batchCounters,
  fileShape,
  fromStateDict,
  type ModelWeights,
  parseModelDescription,
  writeModel,
} from '../../../store/model-files.ts';
import type { Tensor } from '../../../store/tensor-file.ts';
import { matchNames } from '../../../store/torch-names.ts';
import type { World } from '../../world.ts';
import { EXPORTED } from './export.ts';
import { refuseMisfit } from './misfit.ts';
import { readNameMap } from './name-map.ts';
import { parseNetwork } from './network-option.ts';
import { usage } from './option-file.ts';
import { parseClasses, parseNormalization, parseShape } from './options.ts';
import { readWeightsFile, type WeightsFile } from './weights-file.ts';

export interface ImportArguments {
  weights?: string | undefined;
  folder?: string | undefined;
  network?: string | undefined;
  shape?: string | undefined;
  classes?: string | undefined;
  mean?: string | undefined;
  std?: string | undefined;
  prefix?: string | undefined;
  map?: string | undefined;
  ignore: string[];
  json: boolean;
}

/** A model that is ready to be written. */
interface Imported {
  model: ClassifierModel;
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
  const described = describe(file, args);
  const { network, layout } = networkOf(described);
  const counters = batchCounters(layout);
  const ours = layout.map((entry) => ({ name: entry.name, shape: fileShape(entry) }));
  const theirs = Object.entries(file.tensors).map(([name, { shape }]) => ({ name, shape }));
  const names = [...ours.map(({ name }) => name), ...counters];
  const match = matchNames(ours, counters, theirs, {
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
  refuseMisfit(match, file.path, described.network.kind, ours.length);
  const found = [...match.names].map(([name, there]) => [name, file.tensors[there]!] as const);
  for (const [name, tensor] of found) refuseNotFinite(name, tensor, file.path);
  const provenance = {
    file: basename(file.path),
    sha256: file.sha256,
    ...(match.prefix === '' ? {} : { prefix: match.prefix }),
  };
  const parameters = parameterCount(network.parameters);
  return {
    model: { version: MODEL_VERSION, ...described, parameters, provenance },
    layout,
    weights: fromStateDict(layout, Object.fromEntries(found), file.path),
    prefix: match.prefix,
  };
}

/** What the options say, over what an exported file says of itself. */
function describe(
  { path, metadata }: WeightsFile,
  { network, shape, classes, mean, std }: ImportArguments,
): Pick<ClassifierModel, 'network' | 'normalization' | 'shape' | 'classNames'> {
  const text = metadata[EXPORTED];
  const stored = text === undefined ? null : parseModelDescription(text, classifierModelSchema, path);
  const missing = Object.entries({ network, shape, classes }).filter(([, value]) => value === undefined);
  if (stored === null && missing.length > 0) {
    throw usage(
      `Expected --network, --shape and --classes, found no --${missing.map(([name]) => name).join(' and no --')}; only files of \`pipeline model export\` say them themselves.`,
    );
  }
  const sides = shape === undefined ? stored!.shape : parseShape(shape);
  return {
    network: network === undefined ? stored!.network : parseNetwork(network),
    normalization: parseNormalization(mean, std, sides.at(-1)!) ??
      stored?.normalization ?? { mean: 0, std: 1 },
    shape: sides,
    classNames: classes === undefined ? stored!.classNames : parseClasses(classes),
  };
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
  const { network, parameters, shape, classNames, normalization } = model;
  const isRaw = normalization.mean === 0 && normalization.std === 1;
  const lines = [
    `Imported ${network.kind} (${parameters.toLocaleString('en')} parameters) for inputs of ${shape.join('x')} and ${classNames.length} classes into ${folder}.`,
    ...(prefix === '' ? [] : [`The names in the file begin with ${prefix}, which is left out.`]),
    ...(isRaw ? ['Without --mean and --std, it takes pixels in [0, 1] as they are.'] : []),
    `Look at it with: pipeline model show ${folder}`,
  ];
  return `${lines.join('\n')}\n`;
}
