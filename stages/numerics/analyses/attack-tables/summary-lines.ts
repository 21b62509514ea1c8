/** The figures of one classifier for a terminal, at most 80 columns wide. */
import type { AttackSummary, CertificateSummary, Doubt } from '../../../../schemas/attack-results.ts';
import { epsText, grouped, NORM_NAMES, percent } from '../figure-text.ts';
import { wilson } from '../wilson.ts';

import { attackTitle, titleOf } from './attack-title.ts';

const WIDTH = 80;
const NAME_WIDTH = 44;

export function summaryLines(summary: AttackSummary): string[] {
  const { model, data, n, seed, cleanCorrect, attacks, certificate, doubts } = summary;
  return [
    ...wrap(`${model} on ${data}: n = ${grouped(n)} test images, attack seed ${seed}`),
    '',
    `${''.padEnd(NAME_WIDTH)}${'standing'.padStart(9)}${'%'.padStart(8)}${'95 % interval'.padStart(19)}`,
    figureLine('clean', cleanCorrect, n),
    ...attacks.flatMap((result) => {
      const ball = `${NORM_NAMES[result.norm]}, ε = ${epsText(result.eps)}`;
      const name = `${titleOf(result)}, ${ball}`;
      const parts = result.parts;
      if (parts.length < 2) return [figureLine(name, result.robust, result.n)];
      const after = parts.map((part) =>
        figureLine(`  after ${attackTitle(part.attack)}`, part.robust, result.n),
      );
      return [cut(name, WIDTH), ...after];
    }),
    ...(certificate === undefined ? [] : certificateLines(certificate)),
    ...doubtLines(doubts),
  ];
}

function figureLine(name: string, correct: number, n: number): string {
  const { value, low, high } = wilson(correct, n);
  const interval = `${percent(low)} – ${percent(high)}`;
  return `${cut(name, NAME_WIDTH - 1).padEnd(NAME_WIDTH)}${grouped(correct).padStart(9)}${percent(value).padStart(8)}${interval.padStart(19)}`;
}

function certificateLines({ sigma, radii, images, abstained }: CertificateSummary): string[] {
  const title = `certified (smoothing, σ = ${epsText(sigma)}), n = ${grouped(images)}, ${grouped(abstained)} abstained`;
  return [
    ...wrap(title),
    ...radii.map(({ radius, correct }) => figureLine(`  within L2 ${epsText(radius)}`, correct, images)),
  ];
}

function doubtLines(doubts: readonly Doubt[]): string[] {
  if (doubts.length === 0) return [];
  const head =
    doubts.length === 1 ? 'One doubt about these figures:' : `${doubts.length} doubts about these figures:`;
  return ['', head, ...doubts.flatMap(({ sentence }) => wrap(`! ${sentence}`, '  '))];
}

export function cut(text: string, width: number): string {
  const letters = [...text];
  return letters.length <= width ? text : `${letters.slice(0, width - 1).join('')}…`;
}

/** Breaks text at spaces into lines of at most 80 letters; lines but the first begin with `indent`. */
export function wrap(text: string, indent = ''): string[] {
  const lines: string[] = [''];
  for (const word of text.split(/\s+/)) {
    const short = cut(word, WIDTH - indent.length);
    const longer = lines.at(-1)!.trim() === '' ? `${lines.at(-1)}${short}` : `${lines.at(-1)} ${short}`;
    if ([...longer].length <= WIDTH) lines[lines.length - 1] = longer;
    else lines.push(`${indent}${short}`);
  }
  return lines;
}
