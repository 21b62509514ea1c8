/** Joins the attacks' results with the settings that only the configuration knows: restarts, start, step size. */
import { type AttackEntry, stepsOf } from '../../schemas/attack-config.ts';
import type { AttackResult } from '../../schemas/attack-results.ts';
import { PipelineError } from '../../schemas/errors.ts';
import type { AttackFigure } from './report-data.ts';

/**
 * One figure per result. The results must be those of the entries, each with all of its ε, in the same order.
 * Throws `ARTIFACT_DAMAGED` where they are not; `directory` is the artifact's, for the message.
 */
export function withSettings(
  results: AttackResult[],
  entries: AttackEntry[],
  directory: string,
): AttackFigure[] {
  const settings = entries.flatMap((entry) => entry.eps.map((eps) => ({ entry, eps })));
  const isSame =
    results.length === settings.length &&
    settings.every(({ entry, eps }, i) => isOf(results[i]!, entry, eps));
  if (!isSame) {
    const expected = settings
      .map(({ entry, eps }) => name({ ...entry, steps: stepsOf(entry) }, eps))
      .join('; ');
    const found = results.map((result) => name(result, result.eps)).join('; ');
    const message = `Expected attack.json in ${directory} to hold the attacks of the configuration (${expected}), found ${found || 'none'}. Remove that folder and run the same command again; it is then made anew.`;
    throw new PipelineError('ARTIFACT_DAMAGED', message, {
      place: { artifact: directory, files: ['attack.json'] },
    });
  }
  return results.map((result, i) => {
    const { method, randomStart, restarts, relativeStep } = settings[i]!.entry;
    return {
      ...result,
      randomStart,
      restarts: restarts ?? 1,
      relativeStep: method === 'pgd' ? relativeStep : null,
    };
  });
}

function isOf(result: AttackResult, entry: AttackEntry, eps: number): boolean {
  const isKind =
    result.method === entry.method && result.norm === entry.norm && result.targeted === entry.targeted;
  return isKind && result.eps === eps && result.steps === stepsOf(entry);
}

function name(
  {
    method,
    norm,
    steps,
    targeted,
  }: Pick<AttackEntry, 'method' | 'norm' | 'targeted'> & { steps: number | null },
  eps: number,
): string {
  return `${targeted ? 'targeted ' : ''}${steps === null ? method : `${method}-${steps}`} ${norm} ${eps}`;
}
