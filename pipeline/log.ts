/** Tells a run's events: as bars on a terminal, as plain lines elsewhere, as JSON, or not at all. */
import type { Emit, ResultEvent, RunEvent } from './events.ts';
import { ASCII_SIGNS, drawBars, type Signs, signsFor, type Terminal } from './progress.ts';
import { type RateMeter, rateMeter, showAmount, showClock, showDuration, showFigures } from './rate.ts';

export interface LogOptions {
  json: boolean;
  quiet: boolean;
  verbose: boolean;
}

export interface Log {
  emit: Emit;
  /** Leaves the terminal as a shell expects it. */
  close(): void;
}

/** Stdout, or what stands for it in a test. */
export interface Output extends Terminal {
  isTTY?: boolean;
}

/** Plain lines tell the progress of a stage this often. */
const PLAIN_MS = 10_000;

/** Chooses how to tell: bars only where a terminal can move its cursor. */
export function openLog(options: LogOptions, output: Output, environment: NodeJS.ProcessEnv): Log {
  if (options.json) return jsonLog(output);
  if (options.quiet) return quietLog(output);
  const isTerminal = output.isTTY === true && environment.TERM !== 'dumb';
  return isTerminal
    ? barLog(output, signsFor(environment), options.verbose)
    : plainLog(output, options.verbose);
}

function jsonLog(output: Output): Log {
  const emit: Emit = (event) => {
    output.write(`${JSON.stringify({ at: new Date().toISOString(), ...event })}\n`);
  };
  return { emit, close: () => undefined };
}

function quietLog(output: Output): Log {
  const emit: Emit = (event) => {
    if (event.event === 'result') output.write(`${pathsOf(event).join('\n')}\n`);
  };
  return { emit, close: () => undefined };
}

function barLog(output: Output, signs: Signs, isVerbose: boolean): Log {
  const bars = drawBars(output, signs);
  const emit: Emit = (event) => {
    switch (event.event) {
      case 'start':
        return bars.start(event.id, event.name, 'starting');
      case 'progress':
        return bars.progress(event.id, event);
      case 'wait':
        bars.status(event.id, 'waiting');
        break;
      case 'finish':
      case 'fail':
      case 'repair':
        bars.remove(event.id);
    }
    const line = sentenceOf(event, signs, isVerbose);
    if (line !== null) bars.print(line);
  };
  return { emit, close: bars.close };
}

function plainLog(output: Output, isVerbose: boolean): Log {
  const running = new Map<string, { meter: RateMeter; toldMs: number }>();
  const emit: Emit = (event) => {
    if (event.event === 'start') {
      running.set(event.id, { meter: rateMeter(), toldMs: performance.now() });
      output.write(`${event.name}: started\n`);
    } else if (event.event === 'progress') {
      const state = running.get(event.id);
      if (state !== undefined) tellProgress(output, event, state);
    } else {
      const line = sentenceOf(event, ASCII_SIGNS, isVerbose);
      if (line !== null) output.write(`${line}\n`);
    }
  };
  return { emit, close: () => undefined };
}

type ProgressEvent = Extract<RunEvent, { event: 'progress' }>;

function tellProgress(
  output: Output,
  event: ProgressEvent,
  state: { meter: RateMeter; toldMs: number },
): void {
  const nowMs = performance.now();
  state.meter.read(event.done, nowMs / 1000);
  if (nowMs - state.toldMs < PLAIN_MS) return;
  state.toldMs = nowMs;
  const rate = state.meter.perSec();
  const speed = rate === null || rate <= 0 ? [] : [`${showAmount(rate)} ${event.unit}/s`];
  const rest = rate === null || rate <= 0 ? [] : [`${showClock((event.total - event.done) / rate)} left`];
  const parts = [
    `${event.done} of ${event.total} ${event.unit}`,
    ...speed,
    ...rest,
    showFigures(event.figures),
  ];
  output.write(`${event.name}: ${parts.filter((part) => part !== '').join(', ')}\n`);
}

/** What a person should read about an event, or null. */
function sentenceOf(event: RunEvent, signs: Signs, isVerbose: boolean): string | null {
  switch (event.event) {
    case 'plan':
      return planSentence(event);
    case 'setup':
      return event.line;
    case 'wait':
      return `${event.name}: waiting for ${event.holder}`;
    case 'note':
      return `${event.name}: ${event.sentence}`;
    case 'log':
      return isVerbose ? event.text.trimEnd().replace(/^/gm, `${event.name} | `) : null;
    case 'repair':
      return `${event.name}: found damage in ${event.artifact}${event.files.length > 0 ? ` (${event.files.join(', ')})` : ''}; making that anew, then once more ${event.name}`;
    case 'finish':
      return `${signs.ok} ${event.name}  ${event.made ? showDuration(event.seconds) : 'made by another run meanwhile'}`;
    case 'fail':
      return event.code === 'INTERRUPTED' ? `${event.name}: stopped` : `${signs.bad} ${event.name}`;
    case 'stopping':
      return event.cause === 'request'
        ? 'Stopping: the work is being saved. Ctrl-C again ends it at once.'
        : 'Stopping the other stages; their work is being saved.';
    case 'result':
      return [event.summary.trimEnd(), ...pathsOf(event)].filter((line) => line !== '').join('\n');
    case 'error':
      return event.kept && event.code !== 'INTERRUPTED'
        ? 'What was finished is kept; the next run goes on from there.'
        : null;
    default:
      return null;
  }
}

function planSentence({ experiment, nodes }: Extract<RunEvent, { event: 'plan' }>): string {
  const count = (...actions: string[]) => nodes.filter(({ action }) => actions.includes(action)).length;
  const parts = [
    [count('run'), 'to make'],
    [count('resume'), 'to take up again'],
    [count('cached'), 'there already'],
  ].flatMap(([number, what]) => (number === 0 ? [] : [`${number} ${what}`]));
  // What is taken up again because it is damaged must be said; `pipeline plan` gives all other reasons.
  const damages = nodes
    .filter(({ reason }) => reason.endsWith('damaged'))
    .map(({ name, reason }) => `\n${name}: ${reason}`);
  return `${experiment}: ${parts.join(', ')}${damages.join('')}`;
}

function pathsOf({ report, files, directories }: ResultEvent): string[] {
  return report !== null ? [report] : (files ?? directories.map(({ directory }) => directory));
}
