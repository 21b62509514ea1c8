/** A bar while images are read, which takes hours for the largest data sets; only on a terminal. */
import { drawBars, signsFor } from '../../progress.ts';
import type { World } from '../../world.ts';

export interface ReadingBar {
  /** Called with the number of images that were read; `name` says of what. */
  tell(name: string, done: number, total: number): void;
  /** Takes the bar away. */
  close(): void;
}

export function readingBar({ stdout, environment }: World, isSilent: boolean): ReadingBar {
  if (isSilent || stdout.isTTY !== true || environment.TERM === 'dumb') {
    return { tell: () => undefined, close: () => undefined };
  }
  const bars = drawBars(stdout, signsFor(environment));
  let current = '';
  return {
    tell(name, done, total) {
      if (name !== current) {
        bars.remove(current);
        bars.start(name, name, 'reading');
        current = name;
      }
      bars.progress(name, { done, total, unit: 'images' });
    },
    close: bars.close,
  };
}
