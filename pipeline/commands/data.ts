/** `pipeline data list|get|check|import|show`: options and help. What they do is loaded when it is asked for. */
import type { Argv } from 'yargs';
import type { World } from '../world.ts';

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

/** Options of the commands here that no other command has. */
export const DATA_OPTIONS = { optional };
export const DATA_ACTIONS = ['list', 'get'];

const GET_HELP = `Downloads go on where they were cut, also after Ctrl-C or a crash: run the same
command again. Each file is checked by size and checksum before it counts. Of
several places the next is tried where one fails. A proxy is taken from
HTTPS_PROXY, HTTP_PROXY and NO_PROXY.`;

export function describeData(parser: Argv, world: World): Argv {
  return parser
    .usage('$0 data ACTION')
    .command('list', 'Which data sets there are, and which are here', { data, json, verbose }, async (args) =>
      (await import('./data/list.ts')).listCommand(args, world),
    )
    .command('get [names..]', 'Download the official files', getOptions, async (args) =>
      (await import('./data/get.ts')).getCommand(args, world),
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
