/** Clean accuracy and accuracy after each attack as papers print them: a table for each norm, a row for each ε and classifier. */
import type { AttackResult, AttackSummary } from '../../../../schemas/attack-results.ts';
import { grouped } from '../figure-text.ts';
import { attackTitle, titleOf } from './attack-title.ts';

/** A classifier and its figures. */
export interface Classifier {
  label: string;
  summary: AttackSummary;
}

/** So many of n. */
export interface Count {
  correct: number;
  n: number;
}

/** A column for an attack. */
export interface AttackColumn {
  /** The cascade that it is a part of, e.g. `AutoAttack standard`; null for an attack by itself. */
  cascade: string | null;
  /** E.g. `PGD-20`; within a cascade, the attack after which images are counted. */
  attack: string;
}

export interface AccuracyTable {
  /** The columns behind those for model, data, norm, ε and clean accuracy; those of a cascade stand together. */
  attacks: AttackColumn[];
  rows: AccuracyRow[];
  /** Seeds of the attacks, each once. */
  seeds: number[];
}

export interface AccuracyRow {
  model: string;
  data: string;
  /** Null where nothing was attacked. */
  norm: AttackResult['norm'] | null;
  eps: number | null;
  clean: Count;
  /** In the order of `attacks`; null where this classifier was not attacked so. */
  robust: (Count | null)[];
}

/** One figure of a row: its column and its count. */
interface Entry {
  column: AttackColumn;
  count: Count;
}

/** Norms in the order in which they first occur, ε rising; a classifier that nothing attacked has a table without a norm. */
export function accuracyTables(classifiers: readonly Classifier[]): AccuracyTable[] {
  const found = classifiers.flatMap(rowsOf);
  const seeds = [...new Set(classifiers.map(({ summary }) => summary.seed))];
  return [...new Set(found.map(({ norm }) => norm))].map((norm) => {
    const same = found.filter((row) => row.norm === norm).sort((a, b) => (a.eps ?? 0) - (b.eps ?? 0));
    const attacks = columnsOf(same.flatMap(({ entries }) => entries.map(({ column }) => column)));
    const rows = same.map(({ entries, ...row }) => ({
      ...row,
      robust: attacks.map((one) => entries.find(({ column }) => isSame(column, one))?.count ?? null),
    }));
    return { attacks, rows, seeds };
  });
}

function rowsOf({ label, summary }: Classifier): (Omit<AccuracyRow, 'robust'> & { entries: Entry[] })[] {
  const head = { model: label, data: summary.data, clean: { correct: summary.cleanCorrect, n: summary.n } };
  const balls = new Map<string, AttackResult[]>();
  for (const result of summary.attacks) {
    const ball = `${result.norm} ${result.eps}`;
    balls.set(ball, [...(balls.get(ball) ?? []), result]);
  }
  if (balls.size === 0) return [{ ...head, norm: null, eps: null, entries: [] }];
  return [...balls.values()].map((results) => {
    const { norm, eps } = results[0]!;
    return { ...head, norm, eps, entries: results.flatMap(entriesOf) };
  });
}

/** Each column once; cascades in the order in which they first occur. */
function columnsOf(found: readonly AttackColumn[]): AttackColumn[] {
  const columns = found.filter((column, i) => found.findIndex((other) => isSame(other, column)) === i);
  const groups = [...new Set(columns.map(groupOf))];
  return groups.flatMap((group) => columns.filter((column) => groupOf(column) === group));
}

const groupOf = ({ cascade, attack }: AttackColumn) => cascade ?? attack;

const isSame = (a: AttackColumn, b: AttackColumn) => a.cascade === b.cascade && a.attack === b.attack;

/** One figure; for a cascade, one after each part, of which the last is that of the cascade. */
function entriesOf(result: AttackResult): Entry[] {
  const { parts, n, robust } = result;
  const title = titleOf(result);
  if (parts.length < 2) return [{ column: { cascade: null, attack: title }, count: { correct: robust, n } }];
  return parts.map((part) => ({
    column: { cascade: title, attack: attackTitle(part.attack) },
    count: { correct: part.robust, n },
  }));
}

/** What stands below a table: n, seed, and what ± and cascades mean. */
export function noteOf({ rows, seeds, attacks }: AccuracyTable): string {
  const counts = rows.flatMap(({ clean, robust }) => [clean, ...robust]);
  const ns = [...new Set(counts.flatMap((count) => (count === null ? [] : grouped(count.n))))];
  const first = `Accuracy in %, n = ${ns.join(' or ')}, attack seed ${seeds.join(' or ')}; ± is half of Wilson’s 95 % interval.`;
  const cascades = [...new Set(attacks.flatMap(({ cascade }) => cascade ?? []))];
  return cascades.length === 0
    ? first
    : `${first} ${cascades.join(', ')}: after each attack, which gets only what those before it left standing; the last is the figure.`;
}
