/** Climbs watched at each evaluation. */
import type { Answer, Attack, Outcome, Problem } from '../../stages/numerics/attacks/attack.ts';
import type { Oracle } from '../../stages/numerics/attacks/oracle.ts';

export interface Traced {
  outcome: Outcome;
  /** Loss at each evaluation. */
  losses: number[];
}

/** Runs climbs side by side, and writes down the losses. */
export function trace(
  attackOf: (image: number) => Attack,
  problems: readonly Problem[],
  oracle: Oracle,
): Traced[] {
  const climbs = problems.map((problem, i) => attackOf(i)(problem));
  const traced = problems.map((): Traced => ({ outcome: undefined as never, losses: [] }));
  let states = climbs.map((climb) => climb.next());
  while (states.some(({ done }) => !done)) {
    const answers: Answer[] = oracle.ask(
      states.map(({ value }, i) => ({ query: value as never, label: problems[i]!.label })),
    );
    states = climbs.map((climb, i) => {
      traced[i]!.losses.push(answers[i]!.loss);
      return climb.next(answers[i]!);
    });
  }
  states.forEach(({ value }, i) => {
    traced[i]!.outcome = value as Outcome;
  });
  return traced;
}
