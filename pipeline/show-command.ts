/** Writes a command line that a shell reads back as it was meant. */
import type { RunArguments } from './prepare.ts';

/** The `pipeline run …` that goes on where a run was stopped. */
export function showCommand(args: Partial<RunArguments>): string {
  const option = (name: string, value: string | number | undefined) =>
    value === undefined ? [] : [`--${name}`, String(value)];
  const words = [
    'pipeline',
    'run',
    ...(args.stage === undefined ? [] : [args.stage]),
    ...option('config', args.config),
    ...option('preset', args.preset),
    ...(args.set ?? []).flatMap((setting) => option('set', setting)),
    ...option('data', args.data),
    ...option('runs', args.runs === './runs' ? undefined : args.runs),
    ...option('jobs', args.jobs),
  ];
  return words.map(quote).join(' ');
}

function quote(word: string): string {
  return /^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
