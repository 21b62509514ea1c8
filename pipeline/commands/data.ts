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

const as = { ...text, describe: 'Which data set it is, where names do not tell' } as const;
const set = {
  ...text,
  array: true,
  default: [] as string[],
  defaultDescription: 'none',
  describe: 'Setting of the section dataset, e.g. size=32; may be repeated',
} as const;
const split = {
  ...text,
  describe: 'Which split (default: all; for the sheet the first)',
} as const;
const count = { type: 'number', requiresArg: true, default: 64, describe: 'Images on the sheet' } as const;
const perClass = {
  type: 'boolean',
  default: false,
  describe: 'A row for each class, with its name',
} as const;

/** Options of the commands here that no other command has. */
export const DATA_OPTIONS = { as, optional, split, count, 'per-class': perClass };
export const DATA_ACTIONS = ['list', 'get', 'check', 'import', 'show'];

const GET_HELP = `Downloads go on where they were cut, also after Ctrl-C or a crash: run the same
command again. Each file is checked by size and checksum before it counts. Of
several places the next is tried where one fails. A proxy is taken from
HTTPS_PROXY, HTTP_PROXY and NO_PROXY.`;

const CHECK_HELP = `Reads every file, and compares sizes and checksums with the official ones. A
file that differs may hold the same images (packed anew, say); it is told as
another file, and counts as damaged only if it cannot be read, or if it was
official when it was downloaded. The exit code is 1 where anything is damaged.`;

const IMPORT_HELP = `An official file is checked, then copied or unpacked to where it is read; a
folder with the files of a data set is read whole and copied. Anything else is
data of your own: it is read as it would be in a run, and the section for your
experiment file is printed.

Examples:
  pipeline data import ~/Downloads/cifar-10-binary.tar.gz
  pipeline data import pets --set size=64`;

const SHOW_HELP = `SOURCE is a name of \`pipeline data list\`, an artifact of dataset, or an
experiment file (.yaml), whose data set is shown as its section chooses it.

Example:
  pipeline data show cifar10 sheet.png --split test --per-class`;

export function describeData(parser: Argv, world: World): Argv {
  return parser
    .usage('$0 data ACTION')
    .command('list', 'All data sets, and which are here', { data, json, verbose }, async (args) =>
      (await import('./data/list.ts')).listCommand(args, world),
    )
    .command('get [names..]', 'Download the official files', getOptions, async (args) =>
      (await import('./data/get.ts')).getCommand(args, world),
    )
    .command('check [names..]', 'Whether files are whole and official', checkOptions, async (args) =>
      (await import('./data/check.ts')).checkCommand(args, world),
    )
    .command('import [source]', 'Take in local files', importOptions, async (args) =>
      (await import('./data/import.ts')).importCommand(args, world),
    )
    .command('show [source] [picture]', 'Statistics, and a contact sheet', showOptions, async (args) =>
      (await import('./data/show.ts')).showCommand(args, world),
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

function importOptions(parser: Argv) {
  return parser
    .usage('$0 data import FILE|FOLDER')
    .positional('source', { type: 'string', describe: 'File or folder' })
    .options({ as, set, data, json, verbose })
    .epilogue(IMPORT_HELP);
}

function showOptions(parser: Argv) {
  return parser
    .usage('$0 data show SOURCE [OUT.png]')
    .positional('source', { type: 'string', describe: 'Name, artifact or experiment file' })
    .positional('picture', { type: 'string', describe: 'File for the contact sheet' })
    .options({ data, split, count, 'per-class': perClass, json, verbose })
    .epilogue(SHOW_HELP);
}
