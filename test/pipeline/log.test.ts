import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunEvent } from '../../pipeline/events.ts';
import { type LogOptions, type Output, openLog } from '../../pipeline/log.ts';
import { ASCII_SIGNS, clip, formatBar, signsFor, UNICODE_SIGNS } from '../../pipeline/progress.ts';
import { rateMeter, showAmount, showClock, showDuration, showFigures } from '../../pipeline/rate.ts';
import { makeProject } from './fixtures/project.ts';

const TRAIN = { id: 'train-1', name: 'train sbg' };
const progress = (done: number, total = 200): RunEvent => {
  return { event: 'progress', ...TRAIN, done, total, unit: 'steps', figures: { loss: 0.3125 } };
};
const PLAIN: LogOptions = { json: false, quiet: false, verbose: false };

/** A stream that keeps what is written; time stands still unless advanced. */
function told(options: Partial<LogOptions>, terminal: Partial<Output> = {}, environment = {}) {
  let text = '';
  const output: Output = { ...terminal, write: (part: string) => (text += part) };
  const log = openLog({ ...PLAIN, ...options }, output, environment);
  const take = () => {
    const taken = text;
    text = '';
    return taken;
  };
  return { ...log, output, take };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('without a terminal', () => {
  it('a line is written at start and finish, and one every ten seconds between', () => {
    const { emit, take } = told({});
    emit({ event: 'start', ...TRAIN });
    emit(progress(0));
    for (let second = 1; second <= 21; second++) {
      vi.advanceTimersByTime(1000);
      emit(progress(second * 5));
    }
    emit({ event: 'finish', ...TRAIN, seconds: 48, made: true, directory: 'd' });
    expect(take().split('\n')).toEqual([
      'train sbg: started',
      'train sbg: 50 of 200 steps, 5.00 steps/s, 0:30 left, loss 0.31',
      'train sbg: 100 of 200 steps, 5.00 steps/s, 0:20 left, loss 0.31',
      'ok train sbg  48 s',
      '',
    ]);
  });

  it.each<[RunEvent, string]>([
    [{ event: 'setup', line: 'Downloading' }, 'Downloading'],
    [{ event: 'wait', ...TRAIN, holder: 'process 1' }, 'train sbg: waiting for process 1'],
    [{ event: 'note', ...TRAIN, sentence: 'resuming at step 3 of 8' }, 'train sbg: resuming at step 3 of 8'],
    [
      { event: 'repair', ...TRAIN, artifact: 'precompute', files: [] },
      'train sbg: found damage in precompute; making that anew, then once more train sbg',
    ],
    [{ event: 'fail', ...TRAIN, code: 'INTERRUPTED', message: 'm', log: 'l' }, 'train sbg: stopped'],
    [{ event: 'fail', ...TRAIN, code: null, message: 'm', log: 'l' }, 'failed train sbg'],
    [
      { event: 'finish', ...TRAIN, seconds: 1, made: false, directory: 'd' },
      'ok train sbg  made by another run meanwhile',
    ],
    [
      {
        event: 'result',
        summary: '',
        report: null,
        directories: [
          { ...TRAIN, directory: 'runs/a' },
          { ...TRAIN, directory: 'runs/b' },
        ],
      },
      'runs/a\nruns/b',
    ],
  ])('%j is told', (event, line) => {
    const { emit, take } = told({});
    emit(event);
    expect(take()).toBe(`${line}\n`);
  });

  it('the output of stages is shown with --verbose only', () => {
    const event: RunEvent = { event: 'log', ...TRAIN, text: 'one\ntwo\n' };
    const [silent, verbose] = [told({}), told({ verbose: true })];
    silent.emit(event);
    verbose.emit(event);
    expect(silent.take()).toBe('');
    expect(verbose.take()).toBe('train sbg | one\ntrain sbg | two\n');
  });
});

describe('--quiet and --json', () => {
  const result: RunEvent = {
    event: 'result',
    summary: 'table\n',
    report: 'runs/x/report.html',
    directories: [],
  };

  it('quiet leaves the path of the result', () => {
    const { emit, take } = told({ quiet: true }, { isTTY: true });
    emit({ event: 'start', ...TRAIN });
    emit(progress(3));
    emit(result);
    expect(take()).toBe('runs/x/report.html\n');
  });

  it('JSON has one object with a time per event', () => {
    const { emit, take } = told({ json: true }, { isTTY: true });
    emit(progress(3));
    emit(result);
    const lines = take()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ at, ...event }) => [typeof at, event])).toEqual([
      ['string', progress(3)],
      ['string', result],
    ]);
  });
});

describe('on a terminal', () => {
  const UTF8 = { LANG: 'en_US.UTF-8', TERM: 'xterm' };

  it('each running stage has a bar of 80 columns at most, and each finished one a line that stays', () => {
    const { emit, take } = told({}, { isTTY: true, columns: 120 }, UTF8);
    emit({ event: 'start', ...TRAIN });
    vi.advanceTimersByTime(100);
    expect(take()).toBe('train sbg              starting\n');
    emit(progress(0));
    vi.advanceTimersByTime(2000);
    emit(progress(100));
    vi.advanceTimersByTime(100);
    const frames = take();
    const last = frames.split('\x1b[1F\x1b[0J').at(-1)!;
    expect(last).toBe('train sbg              ━━━━━━━━───────  50%    50.0 steps/s  0:02  loss 0.31\n');
    expect([...last.trimEnd()].length).toBeLessThan(80);
    emit({ event: 'finish', ...TRAIN, seconds: 48, made: true, directory: 'd' });
    expect(take()).toBe('\x1b[1F\x1b[0J✓ train sbg  48 s\n');
  });

  it('is redrawn ten times a second at most', () => {
    const { emit, take } = told({}, { isTTY: true, columns: 80 }, UTF8);
    emit({ event: 'start', ...TRAIN });
    for (let i = 0; i < 1000; i++) {
      vi.advanceTimersByTime(1);
      emit(progress(i, 1000));
    }
    expect(take().split('train sbg').length - 1).toBe(10);
  });

  it('that has become narrower is cleared of the lines it has wrapped', () => {
    const { emit, take, output } = told({}, { isTTY: true, columns: 80 }, UTF8);
    emit({ event: 'start', ...TRAIN });
    emit(progress(10));
    vi.advanceTimersByTime(100);
    take();
    output.columns = 30;
    emit({ event: 'note', ...TRAIN, sentence: 'hello' });
    const text = take();
    expect(text.startsWith('\x1b[3F\x1b[0Jtrain sbg: hello\n')).toBe(true);
    expect([...text.split('\n')[1]!].length).toBe(29);
  });

  it('of few rows shows only the bars that fit', () => {
    const { emit, take } = told({}, { isTTY: true, columns: 80, rows: 5 }, UTF8);
    for (let i = 0; i < 9; i++) emit({ event: 'start', id: `train-${i}`, name: `train ${i}` });
    vi.advanceTimersByTime(100);
    expect(take().trimEnd().split('\n')).toHaveLength(3);
  });

  it('without Unicode shows ASCII, and without cursor control plain lines', () => {
    expect(signsFor({ LANG: 'C', TERM: 'xterm' })).toBe(ASCII_SIGNS);
    expect(signsFor({ LC_ALL: 'C', LANG: 'en_US.UTF-8' })).toBe(ASCII_SIGNS);
    expect(signsFor({ LANG: 'en_US.utf8', TERM: 'linux' })).toBe(ASCII_SIGNS);
    expect(signsFor(UTF8)).toBe(UNICODE_SIGNS);
    const { emit, take } = told({}, { isTTY: true, columns: 80 }, { ...UTF8, TERM: 'dumb' });
    emit({ event: 'start', ...TRAIN });
    expect(take()).toBe('train sbg: started\n');
  });

  it('is not confused by names with control characters or great length', () => {
    const line = formatBar(
      { name: '\x1b[2Jtrain\nx'.repeat(9), status: 's', line: null, meter: rateMeter() },
      79,
      ASCII_SIGNS,
    );
    expect(line).toBe(' [2Jtrain x [2Jtrain.. s');
    expect(clip('λλλλ', 3, UNICODE_SIGNS)).toBe('λλ…');
  });

  it('a total of 0 shows an empty bar', () => {
    const line = { done: 0, total: 0, unit: 'steps' };
    const text = formatBar({ name: 'x', status: '', line, meter: rateMeter() }, 79, ASCII_SIGNS);
    expect(text).toMatch(/^x +-{15} {3}0%$/);
  });
});

describe('figures', () => {
  it('are written short', () => {
    expect([0.5, 12.34, 456.7, 1234, 56_789, -1234, Number.NaN].map(showAmount)).toEqual([
      '0.50',
      '12.3',
      '457',
      '1.2k',
      '57k',
      '-1.2k',
      'NaN',
    ]);
    expect([0.42, 9.96, 48.4, 59.7, 125, 3599.6, 11_220].map(showDuration)).toEqual([
      '0.4 s',
      '10 s',
      '48 s',
      '1 min 00 s',
      '2 min 05 s',
      '1 h 00 min',
      '3 h 07 min',
    ]);
    expect([0, 41.2, 3723].map(showClock)).toEqual(['0:00', '0:42', '1:02:03']);
    expect(showFigures({ loss: 0.00031, cosine: 0 })).toBe('loss 3.1e-4  cosine 0.00');
  });

  it('of speed follow the last ten seconds, also after a resume', () => {
    const meter = rateMeter();
    expect(meter.perSec()).toBeNull();
    meter.read(500, 0);
    expect(meter.perSec()).toBeNull();
    for (let second = 1; second <= 30; second++) meter.read(500 + second, second);
    for (let second = 31; second <= 50; second++) meter.read(530 + (second - 30) * 7, second);
    expect(meter.perSec()).toBeCloseTo(7, 10);
  });
});

const hasScript = spawnSync('script', ['--version']).status === 0;

describe.skipIf(!hasScript)('in a pseudo-terminal (needs the program `script`)', () => {
  it('a run draws bars and leaves the lines of what was made', async () => {
    vi.useRealTimers();
    const project = await makeProject();
    project.order({ train: { stepMs: 60 } });
    const program = `${process.execPath} --import ${project.tsx} ${project.program} run`;
    const { stdout, status } = spawnSync('script', ['-qec', program, '/dev/null'], {
      cwd: project.folder,
      env: { ...process.env, PAG_DATA: '', TERM: 'xterm', LANG: 'C.UTF-8' },
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(stdout).toContain('\x1b[1F\x1b[0J');
    expect(stdout).toMatch(/━+─* +\d+%/);
    expect(stdout).toMatch(/✓ train sbg {2}\d/);
    expect(stdout.trimEnd().split('\r\n').slice(-2)).toEqual([
      'a table of results',
      'runs/small/report.html',
    ]);
  });
});
