/** Names of attacks as papers write them. */
import type { AttackResult } from '../../../../schemas/attack-results.ts';

const TITLES: Readonly<Record<string, string>> = {
  'auto-attack': 'AutoAttack',
  square: 'Square',
  'gaussian-noise': 'Gaussian noise',
  'uniform-noise': 'uniform noise',
  'salt-and-pepper': 'salt and pepper',
};

const ABBREVIATIONS = /^(r-fgsm|fgsm|pgd|apgd|fab)(-|$)/;

/** The attack of a result without its ball: `PGD-20`, `targeted FGSM`, `AutoAttack standard`. */
export function titleOf({ name, norm }: Pick<AttackResult, 'name' | 'norm'>): string {
  return attackTitle(name.replace(new RegExp(` ${norm} \\S+`), ''));
}

/** A name of the configuration, or one with more words, in the spelling of papers: `apgd-ce` -> `APGD-CE`. */
export function attackTitle(name: string): string {
  return name
    .split(' ')
    .map((word) => TITLES[word] ?? (ABBREVIATIONS.test(word) ? withoutUsual(word).toUpperCase() : word))
    .join(' ');
}

/** The 100 steps that APGD and FAB always have are not told. */
function withoutUsual(word: string): string {
  return /^(apgd|fab)\b/.test(word) ? word.replace(/-100$/, '') : word;
}
