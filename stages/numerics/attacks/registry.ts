/** The attacks by name, each with the attempts that a setting asks for. */
import { type MethodName, stepsOf } from '../../../schemas/attack-config.ts';
import { apgd } from './apgd.ts';
import { apgdTargeted } from './apgd-targeted.ts';
import type { Attack } from './attack.ts';
import type { Part } from './auto-attack.ts';
import { fab } from './fab.ts';
import { fabTargeted } from './fab-targeted.ts';
import { fgsm } from './fgsm.ts';
import { gaussianNoise } from './gaussian-noise.ts';
import { pgd, stepSizeOf } from './pgd.ts';
import { rFgsm } from './r-fgsm.ts';
import { saltAndPepper } from './salt-and-pepper.ts';
import { square } from './square.ts';
import { uniformNoise } from './uniform-noise.ts';

/** What of the classifier decides how often an attack tries. */
export interface Facts {
  classes: number;
}

type Maker = (part: Part & { steps: number }, facts: Facts) => Attack[];

/** Wrong classes that targeted attacks try, the likeliest first, where the setting says nothing. */
const TARGETS = 9;

const again = ({ restarts = 1 }: Part, attack: Attack): Attack[] =>
  Array.from({ length: restarts }, () => attack);

/** Every target in turn; rank 1 is the class that is named. */
function eachTarget(
  { targets = TARGETS }: Part,
  { classes }: Facts,
  of: (rank: number) => Attack[],
): Attack[] {
  const count = Math.min(targets, classes - 1);
  return Array.from({ length: count }, (_, i) => of(i + 2)).flat();
}

const keepClimbing = ({ from }: Part) => from !== undefined;

const makers: Record<Exclude<MethodName, 'auto-attack'>, Maker> = {
  fgsm: (part) => [fgsm({ loss: part.loss, keepClimbing: keepClimbing(part) })],
  'r-fgsm': (part) => again(part, rFgsm({ loss: part.loss })),
  pgd: (part) => {
    const { steps, randomStart, loss } = part;
    const attack = pgd({
      steps,
      stepSize: stepSizeOf(part),
      randomStart,
      loss,
      keepClimbing: keepClimbing(part),
    });
    // From the same start every attempt is the same.
    return randomStart ? again(part, attack) : [attack];
  },
  'apgd-ce': (part) => again(part, apgd({ ...ascentOf(part), loss: 'ce' })),
  'apgd-dlr': (part) => again(part, apgd({ ...ascentOf(part), loss: 'dlr' })),
  'apgd-t': (part, facts) =>
    eachTarget(part, facts, (rank) => again(part, apgdTargeted({ ...ascentOf(part), rank }))),
  fab: (part) => fromImageFirst(part, (randomStart) => fab({ ...searchOf(part), randomStart })),
  'fab-t': (part, facts) =>
    eachTarget(part, facts, (rank) =>
      fromImageFirst(part, (randomStart) => fabTargeted({ ...searchOf(part), rank, randomStart })),
    ),
  square: (part) => again(part, square(part.queries === undefined ? {} : { queries: part.queries })),
  'gaussian-noise': (part) => again(part, gaussianNoise()),
  'uniform-noise': (part) => again(part, uniformNoise()),
  'salt-and-pepper': (part) => again(part, saltAndPepper()),
};

function ascentOf(part: Part & { steps: number }) {
  const { steps, draws = 1, shrinkingBall = false } = part;
  return { steps, draws, shrinkingBall, keepClimbing: keepClimbing(part) };
}

const searchOf = ({ steps, minimal }: Part & { steps: number }) => ({ steps, minimal });

/** The first attempt starts at the image, others at random points, as the official code has it. */
function fromImageFirst({ restarts = 1 }: Part, of: (randomStart: boolean) => Attack): Attack[] {
  return Array.from({ length: restarts }, (_, attempt) => of(attempt > 0));
}

/** What a part tries on an image, in this order, until one attempt leads astray. */
export function attemptsOf(part: Part, facts: Facts): Attack[] {
  if (part.method === 'auto-attack') throw new Error('auto-attack is made of parts');
  return makers[part.method]({ ...part, steps: stepsOf(part) ?? 1 }, facts);
}
