/** `pipeline data list|get|check|import|show`: options and help. What they do is loaded when it is asked for. */
import type { Argv } from 'yargs';
import type { World } from '../world.ts';

const text = { type: 'string', requiresArg: true } as const;
const json = { type: 'boolean', default: false, describe: 'JSON on stdout, for programs' } as const;
const verbose = { type: 'boolean', default: false, describe: 'Where errors arose' } as const;
const yes = { type: 'boolean', default: false, describe: 'Do not ask' } as const;
const data = {
  type: 'string',
  requiresArg: true,
  describe: 'Folder with data sets (default: $PAG_DATA, else ./data)',
} as const;
const optional = {
  type: 'boolean',
  default: false,
  describe: 'Also the files that are read only on request',
} as const;
const names = { type: 'string', array: true, describe: 'Names as in `pipeline data list`' } as const;

const split = {
  ...text,
  describe: 'train, validation, test or unlabelled (default: all; the sheet: the first)',
} as const;
const count = { type: 'number', requiresArg: true, default: 64, describe: 'Images on the sheet' } as const;
const perClass = {
  type: 'boolean',
  default: false,
  describe: 'A row for each class, with its name',
} as const;

/** Options of the commands here that no other command has. */
export const DATA_OPTIONS = { optional, split, count, 'per-class': perClass };
export const DATA_ACTIONS = ['list', 'get', 'check', 'show'];

const GET_HELP = `Downloads go on where they were cut, also after Ctrl-C or a crash: run the same
command again. Each file is checked by size and checksum before it counts. Of
several places the next is tried where one fails. A proxy is taken from
HTTPS_PROXY, HTTP_PROXY and NO_PROXY.`;

const CHECK_HELP = `Reads every file, and compares sizes and checksums with the official ones. A file
that differs may hold the same images (packed anew, say); it is told as another
file, and counts as damaged only if it cannot be read, or if it was official
when it was downloaded. The exit code is 1 where anything is damaged.`;

const SHOW_HELP = `SOURCE is a name of \`pipeline data list\`, an artifact of dataset, or an experiment
file (.yaml), whose data set is shown as its section chooses it.

Example:
  pipeline data show cifar10 sheet.png --split test --per-class`;

export function describeData(parser: Argv, world: World): Argv {
  return parser
    .usage('$0 data ACTION')
    .command('list', 'Which data sets there are, and which are here', { data, json, verbose }, async (args) =>
      (await import('./data/list.ts')).listCommand(args, world),
    )
    .command('get [names..]', 'Download the official files', getOptions, async (args) =>
      (await import('./data/get.ts')).getCommand(args, world),
    )
    .command('check [names..]', 'Whether what is here is whole and official', checkOptions, async (args) =>
      (await import('./data/check.ts')).checkCommand(args, world),
    )
    .command(
      'show [source] [picture]',
      'Statistics, and a contact sheet of a split',
      showOptions,
      async (args) => (await import('./data/show.ts')).showCommand(args, world),
    )
    .demandCommand(1, `Expected an action after data (${DATA_ACTIONS.join(', ')}), found none`)
    .epilogue('');
}

function getOptions(parser: Argv) {
  return parser
    .usage('$0 data get NAME...')
    .positional('names', names)
    .options({ data, optional, yes, json, verbose })
    .epilogue(GET_HELP);
}

function checkOptions(parser: Argv) {
  return parser
    .usage('$0 data check [NAME...]')
    .positional('names', { ...names, describe: 'Names as in `pipeline data list` (default: all here)' })
    .options({ data, json, verbose })
    .epilogue(CHECK_HELP);
}

function showOptions(parser: Argv) {
  return parser
    .usage('$0 data show SOURCE [OUT.png]')
    .positional('source', { type: 'string', describe: 'Name, artifact or experiment file' })
    .positional('picture', { type: 'string', describe: 'File for the contact sheet' })
    .options({ data, split, count, 'per-class': perClass, json, verbose })
    .epilogue(SHOW_HELP);
}
