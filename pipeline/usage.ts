/** What is wrong with a command line, in the words of every other error. */
import { closest } from 'fastest-levenshtein';
import { PipelineError } from '../schemas/errors.ts';

/** Every name that a command line may use. */
export interface KnownNames {
  commands: readonly string[];
  /** Of the commands that have any: the word that follows. */
  actions: Readonly<Record<string, readonly string[]>>;
  options: readonly string[];
}

/** Turns a message of yargs about `words`, the command line, into an error with the nearest name. */
export function usageError(message: string, words: readonly string[], known: KnownNames): PipelineError {
  const [, unknown] = /^Unknown (?:argument|command)s?: ([^,]*)/.exec(message) ?? [];
  const [, unfinished] = /^Not enough arguments following: (.*)$/.exec(message) ?? [];
  if (unfinished !== undefined) return usage(`Expected a value after --${unfinished}, found none.`);
  if (unknown === undefined) return usage(`${message.trim().replace(/\.$/, '')}.`);
  const option = words.find((word) => /^--?(no-)?/.test(word) && nameOf(word) === unknown);
  if (option !== undefined) {
    return usage(
      `Expected an option, got "${option}"; did you mean --${closest(unknown, [...known.options])}?`,
    );
  }
  const command = words.find((word) => known.commands.includes(word));
  if (command === undefined) {
    return usage(
      `Expected a command, got "${unknown}"; did you mean ${closest(unknown, [...known.commands])}?`,
    );
  }
  const actions = known.actions[command] ?? [];
  const action = words.find((word) => actions.includes(word));
  if (actions.length > 0 && action === undefined) {
    return usage(
      `Expected an action after ${command}, got "${unknown}"; did you mean ${closest(unknown, [...actions])}?`,
    );
  }
  const whole = action === undefined ? command : `${command} ${action}`;
  return usage(`Expected no more words for ${whole}, got "${unknown}".`);
}

function nameOf(word: string): string | undefined {
  return /^--?(?:no-)?([^=]+)/.exec(word)?.[1];
}

function usage(sentence: string): PipelineError {
  return new PipelineError('USAGE', `${sentence} \`pipeline --help\` lists commands and options.`);
}
