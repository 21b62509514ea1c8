/**
 * The command line: names, options and help. Whatever takes time to load is loaded by the command that needs it, so
 * that --help answers at once.
 */
import yargs, { type Argv } from 'yargs';
import { PipelineError } from '../schemas/errors.ts';
import { translateReadError } from '../store/read-error.ts';
import { ATTACK_HELP, ATTACK_MEANINGS, ATTACK_OPTIONS, ATTACK_USAGE } from './commands/attack.ts';
import { DATA_ACTIONS, DATA_OPTIONS, describeData } from './commands/data.ts';
import { describeModel, MODEL_ACTIONS, MODEL_OPTIONS } from './commands/model.ts';
import { describeStore, STORE_ACTIONS, STORE_OPTIONS } from './commands/store.ts';
import { thisWorld, type World } from './world.ts';

/** As a shell reports a program that Ctrl-C has ended. */
const EXIT_INTERRUPTED = 130;

const config = {
  type: 'string',
  requiresArg: true,
  describe: 'Experiment file (default: experiment.yaml of this folder)',
} as const;
const preset = {
  type: 'string',
  requiresArg: true,
  describe: 'Experiment that comes with the program: usps, toy, mnist, methods, …',
} as const;
const set = {
  type: 'string',
  array: true,
  requiresArg: true,
  default: [] as string[],
  defaultDescription: 'none',
  describe: 'Setting over those of the file, e.g. train.lambda=5; may be repeated',
} as const;
const data = {
  type: 'string',
  requiresArg: true,
  describe: 'Folder with data sets (default: $PAG_DATA, else ./data)',
} as const;
const runs = {
  type: 'string',
  requiresArg: true,
  default: './runs',
  describe: 'Folder for artifacts and results',
} as const;
const jobs = {
  type: 'number',
  requiresArg: true,
  describe: 'Stages at a time (default: one per core)',
} as const;
const resume = {
  type: 'boolean',
  default: true,
  describe: 'Go on with unfinished work; --no-resume discards it',
} as const;
const json = { type: 'boolean', default: false, describe: 'JSON on stdout, for programs' } as const;
const quiet = { type: 'boolean', default: false, describe: 'Nothing but errors and the result' } as const;
const verbose = {
  type: 'boolean',
  default: false,
  describe: 'Logs of the stages, and where errors arose',
} as const;
const yes = { type: 'boolean', default: false, describe: 'Do not ask' } as const;

const COMMANDS = [
  'run',
  'plan',
  'attack',
  'status',
  'doctor',
  'init',
  'clean',
  'schema',
  'data',
  'model',
  'store',
  'completion',
];
const OPTIONS = Object.keys({
  config,
  preset,
  set,
  data,
  runs,
  jobs,
  resume,
  json,
  quiet,
  verbose,
  yes,
  ...ATTACK_OPTIONS,
  ...DATA_OPTIONS,
  ...MODEL_OPTIONS,
  ...STORE_OPTIONS,
  help: 0,
  version: 0,
});
const REPEATED = ['set', 'ignore', 'names'];

const EPILOGUE = `Examples:
  pipeline run --preset usps
  pipeline init toy && pipeline run --set train.lambda=5
  pipeline run train --set 'matrix.train.lambda=[0, 1, 5]'

With --json, run writes one object per line: {"at": time, "event": name, …}.
Events: plan, setup, start, wait, note, progress, log, repair, finish, fail,
stopping, result, error. Those about one artifact name it by "id" and "name".`;

/**
 * Carries out a command line (without the program's name). Resolves to the exit code: 0, 1 after an error, 130 after
 * Ctrl-C. Errors are told on stderr in a sentence.
 */
export async function main(words: string[], world: World = thisWorld()): Promise<number> {
  ignoreClosedPipes();
  try {
    await describeCommands(words, world).parseAsync();
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return await tell(error, words, world);
  }
}

function describeCommands(words: string[], world: World): Argv {
  return yargs(words)
    .scriptName('pipeline')
    .usage('$0 COMMAND\n\nTrains classifiers with perceptually aligned gradients; measures robustness.')
    .locale('en')
    .parserConfiguration({ 'camel-case-expansion': false, 'greedy-arrays': false })
    .command(
      'run [stage]',
      'Make what is missing: everything, or what one stage needs',
      runOptions,
      async (args) => (await import('./commands/run.ts')).runCommand(args, world),
    )
    .command(
      'plan [stage]',
      'Show what a run would make, and why; change nothing',
      planOptions,
      async (args) => (await import('./commands/plan.ts')).planCommand({ ...args, quiet: false }, world),
    )
    .command(
      'attack',
      'Attack a classifier from its folder; show how many images stand',
      attackOptions,
      async (args) => (await import('./commands/attack/run.ts')).attackCommand(args, world),
    )
    .command('status', 'Show experiments, artifacts and locks', { runs, json, verbose }, async (args) =>
      (await import('./commands/status.ts')).statusCommand(args, world),
    )
    .command(
      'doctor',
      'Show engine, processor, devices and data sets, and what is missing',
      { data, json, verbose },
      async (args) => (await import('./commands/doctor.ts')).doctorCommand.handler(args),
    )
    .command('init [preset] [file]', 'Write an experiment file to change', initOptions, async (args) =>
      (await import('./commands/init.ts')).initCommand(args, world),
    )
    .command(
      'clean',
      "Remove the artifacts that no experiment's last run needs",
      { runs, yes, verbose },
      async (args) => (await import('./commands/clean.ts')).cleanCommand(args, world),
    )
    .command('schema [of]', 'Print the JSON Schema of experiment files', schemaOptions, async (args) =>
      (await import('./commands/schema.ts')).schemaCommand(args, world),
    )
    .command('data', 'List, download, check, import or show data sets', (parser) =>
      describeData(parser, world),
    )
    .command('model', 'Import, export or show a model', (parser) => describeModel(parser, world))
    .command('store', 'Show, check, mend, export or compare target gradients', (parser) =>
      describeStore(parser, world),
    )
    .completion('completion', 'Print a script that completes commands and options in bash or zsh')
    .demandCommand(1, `Expected a command (${COMMANDS.join(', ')}), found none`)
    .strict()
    .check(onlyOnce)
    .exitProcess(false)
    .fail((message, error) => {
      throw error instanceof PipelineError ? error : new UsageFailure(message ?? error.message, error);
    })
    .epilogue(EPILOGUE)
    .wrap(Math.min(80, process.stdout.columns ?? 80))
    .help()
    .version();
}

function planOptions(parser: Argv) {
  return parser
    .positional('stage', {
      type: 'string',
      describe: 'dataset, score, precompute, train, attack, analyze or report',
    })
    .options({ config, preset, set, data, runs, jobs, resume, json, verbose });
}

function runOptions(parser: Argv) {
  return planOptions(parser).options({ quiet });
}

function attackOptions(parser: Argv) {
  const { model, norm, eps, attack, n, ...others } = ATTACK_OPTIONS;
  const { data, seed, set } = ATTACK_MEANINGS;
  return parser
    .usage(ATTACK_USAGE)
    .options({ model, data, norm, eps, attack, n, seed, ...others })
    .options({ set, runs, jobs, resume, json, quiet, verbose })
    .epilogue(ATTACK_HELP);
}

function initOptions(parser: Argv) {
  return parser
    .positional('preset', { type: 'string', describe: 'usps, toy, mnist, methods, …' })
    .positional('file', { type: 'string', describe: 'Default: experiment.yaml' })
    .options({ verbose });
}

function schemaOptions(parser: Argv) {
  return parser
    .positional('of', { type: 'string', describe: 'experiment (default) or attack.json' })
    .options({ verbose });
}

function onlyOnce(args: Record<string, unknown>): true {
  const twice = OPTIONS.find((name) => !REPEATED.includes(name) && Array.isArray(args[name]));
  if (twice === undefined) return true;
  throw new PipelineError('USAGE', `Expected --${twice} at most once, got it several times; leave one out.`);
}

/** A command line that yargs refuses; put into words only when it is told. */
class UsageFailure extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause });
  }
}

async function tell(thrown: unknown, words: readonly string[], world: World): Promise<number> {
  const error = await inWords(thrown, words);
  if (error instanceof PipelineError) world.stderr.write(`${error.message}\n`);
  else {
    const { message } = error as Error;
    world.stderr.write(
      `Unexpected error: ${message.trimEnd()}\nThis is a fault of the program; run again with --verbose to see where it arose.\n`,
    );
  }
  if (words.includes('--verbose')) world.stderr.write(`${stackOf(error)}\n`);
  return error instanceof PipelineError && error.code === 'INTERRUPTED' ? EXIT_INTERRUPTED : 1;
}

async function inWords(thrown: unknown, words: readonly string[]): Promise<unknown> {
  if (!(thrown instanceof UsageFailure)) return translateReadError(thrown);
  if (thrown.cause instanceof Error && thrown.cause.name !== 'YError')
    return translateReadError(thrown.cause);
  const { usageError } = await import('./usage.ts');
  return usageError(thrown.message, words, {
    commands: COMMANDS,
    actions: { data: DATA_ACTIONS, model: MODEL_ACTIONS, store: STORE_ACTIONS },
    options: OPTIONS,
  });
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\nCaused by: ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

/** `pipeline plan | head` closes our stdout early; that is no error. */
function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    if (!stream.listeners('error').includes(ignoreClosedPipe)) stream.on('error', ignoreClosedPipe);
  }
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
