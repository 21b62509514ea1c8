/** Names and order of attack settings: what one row of the table and one panel of curves stand for. */
import { attackTitle } from '../numerics/analyses/attack-tables/attack-title.ts';
import { NORM_NAMES } from '../numerics/analyses/figure-text.ts';
import type { AttackFigure, VariantData } from './report-data.ts';

/** One kind of attack; its ε is what a curve runs over. */
export interface AttackKind {
  /** Equal for two figures that belong to one curve. */
  id: string;
  /** E.g. `PGD-20, L2, targeted`. */
  name: string;
  /** The attack alone, e.g. `targeted PGD-20`, for `robust accuracy under …`. */
  attack: string;
  norm: string;
  targeted: boolean;
  /** Has a curve over every ε. */
  minimal: boolean;
}

/** The kind of attack that a figure belongs to. */
export function kindOf(figure: AttackFigure): AttackKind {
  const { method, steps, version, minimal, targeted, extras } = figure;
  const words = [minimal ? 'minimal' : '', steps === null ? method : `${method}-${steps}`, version ?? ''];
  const attack = attackTitle(words.filter((word) => word !== '').join(' '));
  const norm = NORM_NAMES[figure.norm];
  return {
    id: JSON.stringify([attack, norm, targeted, ...extras]),
    name: [attack, norm, ...(targeted ? ['targeted'] : []), ...extras].join(', '),
    attack: targeted ? `targeted ${attack}` : attack,
    norm,
    targeted,
    minimal,
  };
}

/** One attack at one ε, with each variant's figure; null where a variant was not attacked so. */
export interface AttackRow {
  kind: AttackKind;
  eps: number;
  figures: (AttackFigure | null)[];
}

/** All settings of all variants: kinds in the order in which they first occur, ε rising. */
export function attackRows(variants: VariantData[]): AttackRow[] {
  const kinds = new Map<string, Map<number, AttackRow>>();
  for (const [i, variant] of variants.entries()) {
    for (const figure of variant.attack.attacks) {
      const kind = kindOf(figure);
      if (!kinds.has(kind.id)) kinds.set(kind.id, new Map());
      const rows = kinds.get(kind.id)!;
      if (!rows.has(figure.eps))
        rows.set(figure.eps, { kind, eps: figure.eps, figures: variants.map(() => null) });
      rows.get(figure.eps)!.figures[i] = figure;
    }
  }
  return [...kinds.values()].flatMap((rows) => [...rows.values()].sort((a, b) => a.eps - b.eps));
}

/** Values that several variants share are said once: `2,007`; else all of them: `600, 1,000 or 2,007`. */
export function distinct<T>(values: T[], name: (value: T) => string): string {
  const names = [...new Set(values.map(name))];
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} or ${names.at(-1)!}`;
}
