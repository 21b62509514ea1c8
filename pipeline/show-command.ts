/** Writes a command line that a shell reads back as it was meant. */
import type { RunArguments } from './prepare.ts';

/** A command line of this program. */
export function showCommand(words: readonly string[]): string {
  return ['pipeline', ...words].map(quote).join(' ');
}

/** An option and its value as two words; none where it is not given. */
export function option(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [`--${name}`, String(value)];
}

/** The words of the `run …` that goes on where a run was stopped. */
export function runWords(args: Partial<RunArguments>): string[] {
  return [
    'run',
    ...(args.stage === undefined ? [] : [args.stage]),
    ...option('config', args.config),
    ...option('preset', args.preset),
    ...(args.set ?? []).flatMap((setting) => option('set', setting)),
    ...option('data', args.data),
    ...option('runs', args.runs === './runs' ? undefined : args.runs),
    ...option('jobs', args.jobs),
  ];
}

function quote(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
