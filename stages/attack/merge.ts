/** The whole of each attack, from the parts that all processes have found. */

import { budgetOf } from './budget.ts';
import { type AttackWork, begin, type Chunk } from './chunk.ts';
import type { Fall, Violations } from './doubts/attacked.ts';
import { apply, type Outcome, type PartOutcome } from './outcome.ts';
import type { NamedSetting } from './settings.ts';

/** One part of an attack over all images. */
export interface PartTotal {
  /** Images that still stand after it. */
  robust: number;
  queries: number;
  gradients: number;
  fall: Fall;
}

export interface Merged extends NamedSetting {
  outcome: Outcome;
  totals: PartTotal[];
  violations: Violations;
}

/** @param clean classes that the victim names on the clean images */
export function mergeSetting(
  work: AttackWork,
  chunks: readonly Chunk[],
  setting: number,
  clean: readonly number[],
): Merged {
  const named = work.settings[setting]!;
  const { images } = work.victim;
  const outcome = begin(work.victim, named.setting, { first: 0, count: images.count }, clean);
  const violations: Violations = { ball: 0, box: 0, nan: 0 };
  const totals = named.parts.map((part, number): PartTotal => {
    const found = chunks.map(({ number: chunk }) => work.folder.read({ chunk, setting, part: number })!);
    for (const piece of found) {
      apply(outcome, piece, number);
      for (const violation of piece.violation) if (violation !== null) violations[violation] += 1;
    }
    return {
      robust: outcome.survived.filter(Boolean).length,
      queries: total(found, 'queries'),
      gradients: total(found, 'gradients'),
      fall: {
        attack: part.method,
        budget: budgetOf(part),
        queries: found.flatMap(({ broken, queries }) => queries.filter((_, row) => broken[row])),
      },
    };
  });
  return { ...named, outcome, totals, violations };
}

function total(found: readonly PartOutcome[], of: 'queries' | 'gradients'): number {
  return found.reduce((sum, piece) => sum + piece[of].reduce((a, b) => a + b, 0), 0);
}
