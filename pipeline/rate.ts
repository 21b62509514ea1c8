/** Speed and remaining time of running work, and how times and amounts are written. */

/** Speed is taken over so many seconds, so that it follows changes and yet does not jump. */
const WINDOW_SEC = 10;

export interface RateMeter {
  /** Takes a reading: so many units done at this time. */
  read(done: number, nowSec: number): void;
  /** Units per second, or null before there are two readings. */
  perSec(): number | null;
}

/** A meter over a sliding window. Counting may begin above 0, as it does after a resume. */
export function rateMeter(): RateMeter {
  let readings: { done: number; atSec: number }[] = [];
  return {
    read(done, nowSec) {
      readings.push({ done, atSec: nowSec });
      const oldest = readings.findLastIndex(({ atSec }) => atSec <= nowSec - WINDOW_SEC);
      if (oldest > 0) readings = readings.slice(oldest);
    },
    perSec() {
      const [first, last] = [readings[0], readings.at(-1)];
      if (first === undefined || last === undefined || last.atSec <= first.atSec) return null;
      return (last.done - first.done) / (last.atSec - first.atSec);
    },
  };
}

/** Three digits: `0.52`, `12.3`, `456`, `1.2k`. */
export function showAmount(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 1000) return `${(value / 1000).toFixed(Math.abs(value) < 10_000 ? 1 : 0)}k`;
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
}

/** A duration in words: `0.4 s`, `48 s`, `2 min 05 s`, `3 h 07 min`. */
export function showDuration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (value: number) => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

/** A remaining time on a clock: `0:42`, `1:02:03`. */
export function showClock(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const pad = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

/** Figures worth a glance: `loss 0.31`. */
export function showFigures(figures: Record<string, number> = {}): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${showFigure(value)}`)
    .join('  ');
}

function showFigure(value: number): string {
  const isSmall = value !== 0 && Math.abs(value) < 0.01;
  return isSmall ? value.toExponential(1) : showAmount(value);
}
