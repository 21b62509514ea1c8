/** Bars on a terminal: one line per running stage below the lines of what has happened. */
import type { Progress } from '../schemas/stage.ts';
import { type RateMeter, rateMeter, showAmount, showClock, showFigures } from './rate.ts';

/** The part of a terminal that bars need; a `tty.WriteStream` is one. A size of 0 is unknown. */
export interface Terminal {
  columns?: number;
  rows?: number;
  write(text: string): unknown;
}

const WIDTH = 80;
const NAME_WIDTH = 22;
/** All of a line but the bar: the name, the share, the rate, the remaining time, and 12 for figures. */
const OTHER_WIDTH = NAME_WIDTH + 42;
const REDRAW_MS = 100;

interface Bar {
  name: string;
  /** What it does before the first progress. */
  status: string;
  line: Progress | null;
  meter: RateMeter;
}

/** The signs of a bar; a terminal without Unicode gets letters of ASCII. */
export interface Signs {
  full: string;
  empty: string;
  ok: string;
  bad: string;
  more: string;
}

export const UNICODE_SIGNS: Signs = { full: '━', empty: '─', ok: '✓', bad: '✗', more: '…' };
export const ASCII_SIGNS: Signs = { full: '#', empty: '-', ok: 'ok', bad: 'failed', more: '..' };

/** Which signs the terminal of this environment can show. */
export function signsFor(environment: NodeJS.ProcessEnv): Signs {
  const { LC_ALL, LC_CTYPE, LANG, TERM } = environment;
  const locale = LC_ALL || LC_CTYPE || LANG || '';
  const isUnicode = TERM !== 'linux' && TERM !== 'dumb' && /utf-?8/i.test(locale);
  return isUnicode ? UNICODE_SIGNS : ASCII_SIGNS;
}

/** One line of at most `width` characters: name, bar, share, rate, remaining time, figures. */
export function formatBar(
  { name, status, line, meter }: Pick<Bar, 'name' | 'status' | 'line' | 'meter'>,
  width: number,
  signs: Signs,
): string {
  const head = clip(name, NAME_WIDTH, signs).padEnd(NAME_WIDTH);
  if (line === null) return clip(`${head} ${status}`, width, signs);
  const share = line.total > 0 ? Math.min(1, line.done / line.total) : 0;
  const rate = meter.perSec();
  const speed = rate === null ? '' : `${showAmount(rate)} ${line.unit}/s`;
  const rest = rate === null || rate <= 0 ? '' : showClock((line.total - line.done) / rate);
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  const tail = `${percent} ${speed.padStart(15)} ${rest.padStart(5)}  ${showFigures(line.figures)}`;
  const barWidth = Math.max(8, width - OTHER_WIDTH);
  const filled = Math.round(share * barWidth);
  const bar = signs.full.repeat(filled) + signs.empty.repeat(barWidth - filled);
  return clip(`${head} ${bar} ${tail}`.trimEnd(), width, signs);
}

/** Cuts a text to a width and leaves out control characters, which would move the cursor. */
export function clip(text: string, width: number, { more }: Signs): string {
  const characters = [...text.replace(/\p{Cc}/gu, ' ')];
  if (characters.length <= width) return characters.join('');
  return characters.slice(0, Math.max(0, width - more.length)).join('') + more;
}

export interface Bars {
  start(id: string, name: string, status: string): void;
  status(id: string, status: string): void;
  progress(id: string, line: Progress): void;
  remove(id: string): void;
  /** Writes a line that stays, above the bars. */
  print(line: string): void;
  /** Removes the bars and draws no more. */
  close(): void;
}

/** Bars at the bottom of a terminal, redrawn at most ten times a second. */
export function drawBars(terminal: Terminal, signs: Signs): Bars {
  const bars = new Map<string, Bar>();
  let drawn: string[] = [];
  let timer: NodeJS.Timeout | undefined;

  const erase = (): string => {
    // Lines that a narrower window has wrapped take several rows now.
    const columns = terminal.columns || WIDTH;
    const rows = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil([...line].length / columns)), 0);
    return rows === 0 ? '' : `\x1b[${rows}F\x1b[0J`;
  };
  const draw = (above = ''): void => {
    // The last column stays free: a character there makes some terminals wrap at once.
    const width = Math.min(WIDTH, terminal.columns || WIDTH) - 1;
    const shown = [...bars.values()].slice(0, Math.max(1, (terminal.rows || 24) - 2));
    const lines = shown.map((bar) => formatBar(bar, width, signs));
    const text = `${erase()}${above}${lines.map((line) => `${line}\n`).join('')}`;
    drawn = lines;
    if (text !== '') terminal.write(text);
  };
  const drawNow = (above?: string): void => {
    clearTimeout(timer);
    timer = undefined;
    draw(above);
  };
  const drawSoon = (): void => {
    timer ??= setTimeout(() => drawNow(), REDRAW_MS).unref();
  };

  return {
    start(id, name, status) {
      bars.set(id, { name, status, line: null, meter: rateMeter() });
      drawSoon();
    },
    status(id, status) {
      const bar = bars.get(id);
      if (bar !== undefined) Object.assign(bar, { status });
      drawSoon();
    },
    progress(id, line) {
      const bar = bars.get(id);
      if (bar === undefined) return;
      bar.line = line;
      bar.meter.read(line.done, performance.now() / 1000);
      drawSoon();
    },
    remove(id) {
      bars.delete(id);
      drawSoon();
    },
    print: (line) => drawNow(`${line}\n`),
    close() {
      bars.clear();
      drawNow();
    },
  };
}
