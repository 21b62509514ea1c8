/** `pipeline model import|export|show|sample`: options and help. What they do is loaded when it is asked for. */
import type { Argv } from 'yargs';
import type { World } from '../world.ts';

const text = { type: 'string', requiresArg: true } as const;
const json = { type: 'boolean', default: false, describe: 'JSON on stdout, for programs' } as const;
const verbose = { type: 'boolean', default: false, describe: 'Where errors arose' } as const;

const network = { ...text, describe: "Network: YAML ('{kind: resnet18}') or a file with it" } as const;
const shape = {
  ...text,
  describe: 'Shape of an input, HEIGHTxWIDTHxCHANNELS (32x32x3), channels last; one number for points',
} as const;
const classes = {
  ...text,
  describe: 'Number of classes, or names (a,b,c), or a file with a name per line; 0: none',
} as const;
const mean = {
  ...text,
  describe: "Mean of each channel, as in torchvision's Normalize (default: 0)",
} as const;
const std = { ...text, describe: 'Standard deviation of each channel (default: 1)' } as const;
const preconditioning = {
  ...text,
  describe: "Of a score model: YAML or a file (default: '{kind: edm, sigmaData: 0.5}')",
} as const;
const scale = {
  ...text,
  describe: 'Of a score model: it sees pixels · FACTOR + SHIFT (default: 2,-1)',
} as const;
const prefix = { ...text, describe: 'What stands before every name (default: found by itself)' } as const;
const map = { ...text, describe: 'YAML or JSON file {ours: theirs} for tensors and modules' } as const;
const ignore = {
  ...text,
  array: true,
  default: [] as string[],
  defaultDescription: 'none',
  describe: 'Tensor or module of the file to leave out; may be repeated',
} as const;

const sampling = {
  only: { ...text, describe: 'Names of classes, a,b,c (default: the first 10)' },
  guidance: { type: 'number', requiresArg: true, default: 1, describe: 'Classifier-free guidance; 1: none' },
  steps: { type: 'number', requiresArg: true, default: 18, describe: 'Noise levels' },
  sampler: { ...text, choices: ['heun', 'ddim'], default: 'heun', describe: 'Sampler' },
  churn: { type: 'number', requiresArg: true, default: 0, describe: 'S_churn of EDM, for heun; 0: no noise' },
  'per-class': { type: 'number', requiresArg: true, default: 8, describe: 'Samples in a row' },
  seed: { type: 'number', requiresArg: true, default: 0, describe: 'Of the noise' },
} as const;

const importing = { network, shape, classes, mean, std, preconditioning, scale, prefix, map, ignore };

/** Options of the commands here; those of `ignore` may be repeated. */
export const MODEL_OPTIONS = { ...importing, ...sampling };
export const MODEL_ACTIONS = ['import', 'export', 'show', 'sample'];

const IMPORT_HELP = `Makes a model folder. Tensors have PyTorch's names and layouts, those that
docs/models.md lists for each network; any float type becomes float32.
A pickle (.pt, .pth) is never read; the error shows how to convert it.

Example:
  pipeline model import resnet18.safetensors models/resnet18 \\
    --network '{kind: resnet18}' --shape 32x32x3 --classes 10 \\
    --mean 0.4914,0.4822,0.4465 --std 0.2470,0.2435,0.2616

Score models published with EDM need no options: names and shapes of their
tensors tell the rest.`;

const EXPORT_HELP = `Names and layouts are PyTorch's, running statistics and num_batches_tracked are
in it: load_state_dict(load_file('OUT.safetensors')) takes it as it is. What
model.json says is in the file too, so that import needs no options for it.`;

export function describeModel(parser: Argv, world: World): Argv {
  return parser
    .usage('$0 model ACTION')
    .command('import [weights] [folder]', 'Weights from PyTorch to a folder', importOptions, async (args) =>
      (await import('./model/import.ts')).importCommand(args, world),
    )
    .command('export [source] [file]', 'A model as one file for PyTorch', exportOptions, async (args) =>
      (await import('./model/export.ts')).exportCommand(args, world),
    )
    .command('show [source]', 'Network, classes and tensors', showOptions, async (args) =>
      (await import('./model/show.ts')).showCommand(args, world),
    )
    .command('sample [source] [file]', 'A sheet of what a score model draws', sampleOptions, async (args) =>
      (await import('./model/sample.ts')).sampleCommand(args, world),
    )
    .demandCommand(1, `Expected an action after model (${MODEL_ACTIONS.join(', ')}), found none`)
    .epilogue('');
}

function importOptions(parser: Argv) {
  return parser
    .usage('$0 model import WEIGHTS.safetensors FOLDER')
    .positional('weights', { type: 'string', describe: 'A safetensors file with a state_dict' })
    .positional('folder', { type: 'string', describe: 'Folder to make; not there yet, or empty' })
    .options({ ...importing, json, verbose })
    .epilogue(IMPORT_HELP);
}

function exportOptions(parser: Argv) {
  return parser
    .usage('$0 model export SOURCE OUT.safetensors')
    .positional('source', { type: 'string', describe: 'A model folder, or an artifact of train or score' })
    .positional('file', { type: 'string', describe: 'File to write; not there yet' })
    .options({ json, verbose })
    .epilogue(EXPORT_HELP);
}

function showOptions(parser: Argv) {
  return parser
    .usage('$0 model show SOURCE')
    .positional('source', {
      type: 'string',
      describe: 'A model folder, an artifact of train or score, or a file of weights',
    })
    .options({ json, verbose });
}

function sampleOptions(parser: Argv) {
  return parser
    .usage('$0 model sample SOURCE OUT.png')
    .positional('source', { type: 'string', describe: 'A score model: its folder, or an artifact of score' })
    .positional('file', { type: 'string', describe: 'PNG file to write; not there yet' })
    .options({ ...sampling, verbose });
}
