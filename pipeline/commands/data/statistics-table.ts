/** Statistics of splits in lines of at most 80 columns. */
import type { DatasetInfo, SplitName } from '../../../schemas/dataset.ts';
import { labelled } from '../../fold-text.ts';
import type { SplitSurvey } from './survey.ts';

const LABEL = 15;
/** More classes than that are summed up; --json has them all. */
const LISTED_CLASSES = 20;
const CHANNELS: Record<number, readonly string[]> = { 1: ['gray'], 3: ['red', 'green', 'blue'] };

type Described = Pick<DatasetInfo, 'name' | 'shape' | 'classNames'>;

export function tellStatistics(info: Described, splits: Partial<Record<SplitName, SplitSurvey>>): string[] {
  const { name, shape, classNames } = info;
  const what = shape.length === 3 ? `images of ${shape.join('x')}` : `points of ${shape.join('x')} numbers`;
  return [
    `${name}: ${what}, ${classNames.length} classes`,
    ...Object.entries(splits).flatMap(([split, found]) => ['', ...tellSplit(split, found, info)]),
  ];
}

function tellSplit(split: string, { images, statistics }: SplitSurvey, info: Described): string[] {
  const { mean, std, min, max, counts } = statistics;
  const names = info.shape.length === 3 ? CHANNELS[mean.length] : undefined;
  const row = (cells: readonly string[]) => cells.map((cell) => cell.padStart(10)).join('');
  return [
    `${split}: ${images.toLocaleString('en')} ${info.shape.length === 3 ? 'images' : 'points'}`,
    `  ${'channel'.padEnd(LABEL - 2)}${row(['mean', 'std', 'min', 'max'])}`,
    ...mean.map((_, c) => {
      const cells = [mean, std, min, max].map((values) => values[c]!.toFixed(4));
      return `  ${(names?.[c] ?? String(c + 1)).padEnd(LABEL - 2)}${row(cells)}`;
    }),
    ...tellBalance(counts, info.classNames),
  ];
}

function tellBalance(counts: readonly number[] | undefined, classNames: readonly string[]): string[] {
  if (counts === undefined) return ['  no labels'];
  const entries = counts.map((count, label) => ({ count, name: classNames[label]! }));
  const show = ({ name, count }: (typeof entries)[number]) => `${name}: ${count.toLocaleString('en')}`;
  if (entries.length <= LISTED_CLASSES) {
    // Each pair stays on one line.
    const pairs = entries.map((entry) => show(entry).replaceAll(' ', '\u00a0')).join(', ');
    return labelled('  classes', LABEL, pairs).map((line) => line.replaceAll('\u00a0', ' '));
  }
  const sorted = [...entries].sort((a, b) => a.count - b.count);
  const [least, middle, most] = [sorted[0]!, sorted[sorted.length >> 1]!, sorted.at(-1)!];
  const summary = `fewest ${show(least)}, median ${show(middle)}, most ${show(most)}; --json lists all`;
  return labelled('  classes', LABEL, summary);
}
