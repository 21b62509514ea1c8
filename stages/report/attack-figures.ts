/** Joins the attacks' results with the settings that only the configuration knows: restarts, start, step size. */
import type { AttackEntry } from '../../schemas/config.ts';
import { PipelineError } from '../../schemas/errors.ts';
import type { AttackResult } from '../../schemas/results.ts';
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
    const expected = settings.map(({ entry, eps }) => name(entry, eps)).join('; ');
    const found = results.map((result) => name(result, result.eps)).join('; ');
    const message = `Expected attack.json in ${directory} to hold the attacks of the configuration (${expected}), found ${found || 'none'}. Remove that folder and run the same command again; it is then made anew.`;
    throw new PipelineError('ARTIFACT_DAMAGED', message, {
      place: { artifact: directory, files: ['attack.json'] },
    });
  }
  return results.map((result, i) => {
    const { method, randomStart, restarts, relativeStep } = settings[i]!.entry;
    return { ...result, randomStart, restarts, relativeStep: method === 'fgsm' ? null : relativeStep };
  });
}

function isOf(result: AttackResult, entry: AttackEntry, eps: number): boolean {
  const isKind =
    result.method === entry.method && result.norm === entry.norm && result.targeted === entry.targeted;
  return isKind && result.eps === eps && (entry.method === 'fgsm' || result.steps === entry.steps);
}

function name(
  { method, norm, steps, targeted }: Omit<AttackEntry, 'eps'> | AttackResult,
  eps: number,
): string {
  return `${targeted ? 'targeted ' : ''}${method === 'pgd' ? `pgd-${steps}` : method} ${norm} ${eps}`;
}
