/** Joins the attacks' results with the settings that only the configuration knows: restarts, start, step size. */
import { type AttackEntry, stepsOf } from '../../schemas/attack-config.ts';
import type { AttackResult } from '../../schemas/attack-results.ts';
import { PipelineError } from '../../schemas/errors.ts';
import { attackTitle } from '../numerics/analyses/attack-tables/attack-title.ts';
import { epsText } from '../numerics/analyses/figure-text.ts';
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
    const { entry } = settings[i]!;
    const { method, randomStart, restarts, relativeStep, minimal, version } = entry;
    return {
      ...result,
      randomStart,
      restarts: restarts ?? 1,
      relativeStep: method === 'pgd' ? relativeStep : null,
      minimal,
      version: method === 'auto-attack' ? version : null,
      extras: extrasOf(entry, result),
    };
  });
}

/** What a reader has to know of an attack beside its name: settings that are not the usual ones. */
function extrasOf(
  { restarts = 1, randomStart, method, relativeStep, stepSize, ...entry }: AttackEntry,
  { transferFrom }: AttackResult,
): string[] {
  const isFixed = method === 'auto-attack' && entry.version !== 'custom';
  const extras: [unknown, string][] = [
    [transferFrom !== null, `from ${transferFrom}`],
    [restarts > 1, `${restarts} restarts`],
    [randomStart, 'random start'],
    [entry.loss !== 'ce', `${entry.loss} loss`],
    [method === 'pgd' && stepSize === undefined && relativeStep !== 2.5, `step ${relativeStep} ε/steps`],
    [stepSize, `step ${epsText(stepSize ?? 0)}`],
    [entry.draws, `${entry.draws} draws`],
    [entry.targets, `${entry.targets} targets`],
    [entry.queries, `${entry.queries} queries`],
    [!isFixed && entry.attacks, entry.attacks?.map(attackTitle).join(' + ') ?? ''],
    [method === 'auto-attack' && entry.steps, `${entry.steps} steps`],
  ];
  return extras.flatMap(([isTold, words]) => (isTold ? [words] : []));
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
