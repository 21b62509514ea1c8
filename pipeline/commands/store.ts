/** `pipeline store info|verify|repair|export|diff|show`: options and help. What they do is loaded when it is asked for. */
import type { Argv } from 'yargs';
import type { World } from '../world.ts';

const text = { type: 'string', requiresArg: true } as const;
const runs = { ...text, default: './runs', describe: 'Folder for artifacts and results' } as const;
const json = { type: 'boolean', default: false, describe: 'JSON on stdout, for programs' } as const;
const verbose = { type: 'boolean', default: false, describe: 'Where errors arose' } as const;
const data = {
  ...text,
  describe: 'Folder with data sets (default: $PAG_DATA, else ./data)',
} as const;
const jobs = {
  type: 'number',
  requiresArg: true,
  describe: 'Workers at a time (default: one per core)',
} as const;

const format = {
  ...text,
  choices: ['parquet', 'npy', 'arrow'] as const,
  describe: 'Kind of file (default: what its name ends in)',
} as const;
const dtype = {
  ...text,
  choices: ['float32', 'float16'] as const,
  default: 'float32' as const,
  describe: 'Of the values in an npy file',
} as const;
const image = {
  ...text,
  describe: 'Number of a training image, from 0; several with commas',
} as const;

/** Options of the commands here. */
export const STORE_OPTIONS = { format, dtype, image };
export const STORE_ACTIONS = ['info', 'verify', 'repair', 'export', 'diff', 'show'];

const HELP = `STORE is a folder with a gradient store, the key of its artifact or the
beginning of it, or the variant (or experiment/variant) that has it. It may be
left out of info, verify, repair and show where there is only one.`;

const EXPORT_HELP = `parquet, arrow   columns image, target (the class) and gradient (a list)
npy              [images, targets, ...shape]; where the store lists the class of
                 each gradient, they come in OUT.classes.npy
Gradients are decoded to float32. They are read and written piece by piece.`;

export function describeStore(parser: Argv, world: World): Argv {
  const source = (own: Argv) =>
    own
      .positional('source', { type: 'string', describe: 'Folder, key or variant' })
      .options({ runs, json, verbose });
  return parser
    .usage('$0 store ACTION')
    .command('info [source]', 'Shape, codec, size, what was lost', source, async (args) =>
      (await import('./store/info.ts')).infoCommand(args, world),
    )
    .command('verify [source]', 'Read all of it and name what is damaged', source, async (args) =>
      (await import('./store/verify.ts')).verifyCommand(args, world),
    )
    .command(
      'repair [source]',
      'Compute what is damaged again',
      (own) =>
        own
          .positional('source', { type: 'string', describe: 'Folder, key or variant' })
          .options({ data, runs, jobs, json, verbose }),
      async (args) => (await import('./store/repair.ts')).repairCommand(args, world),
    )
    .command(
      'export [source] [file]',
      'One file for other programs',
      (own) =>
        own
          .usage('$0 store export STORE OUT.parquet|OUT.npy|OUT.arrow')
          .positional('source', { type: 'string', describe: 'Folder, key or variant' })
          .positional('file', { type: 'string', describe: 'File to write; not there yet' })
          .options({ format, dtype, runs, json, verbose })
          .epilogue(EXPORT_HELP),
      async (args) => (await import('./store/export.ts')).exportCommand(args, world),
    )
    .command(
      'diff [source] [other]',
      '1 - cos between two stores',
      (own) =>
        own
          .positional('source', { type: 'string', describe: 'Folder, key or variant' })
          .positional('other', { type: 'string', describe: 'The same, of the other store' })
          .options({ runs, json, verbose }),
      async (args) => (await import('./store/diff.ts')).diffCommand(args, world),
    )
    .command(
      'show [source] [file]',
      'Images with all their targets',
      (own) =>
        own
          .usage('$0 store show [STORE] --image 17 [OUT.png]')
          .positional('source', { type: 'string', describe: 'Folder, key or variant' })
          .positional('file', {
            type: 'string',
            describe: 'File to write; not there yet (default: image-17.png)',
          })
          .options({ image, runs, json, verbose }),
      async (args) => (await import('./store/show.ts')).showCommand(args, world),
    )
    .demandCommand(1, `Expected an action after store (${STORE_ACTIONS.join(', ')}), found none`)
    .epilogue(HELP);
}
