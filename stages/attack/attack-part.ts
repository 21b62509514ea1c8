/** One part of an attack on some images: made, and judged by asking the victim afresh at the points that it found. */
import { classOf, isLedAstray, type Problem, type Query } from '../numerics/attacks/attack.ts';
import type { Part } from '../numerics/attacks/auto-attack.ts';
import { norms } from '../numerics/attacks/norms.ts';
import { attemptsOf } from '../numerics/attacks/registry.ts';
import { AttackRun, type Result } from '../numerics/attacks/run-attacks.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import { violationOf } from './doubts/violations.ts';
import { type PartOutcome, UNTARGETED } from './outcome.ts';
import type { Surrogate, Victim } from './victim.ts';

/** An image that a part has to work on. */
export interface Standing {
  position: number;
  /** {@link UNTARGETED}, or the class to reach. */
  target: number;
  /** What the victim said of the clean image, [classes]. */
  cleanLogits: Float32Array;
}

/** What a part needs besides the images. */
export interface PartWork {
  victim: Victim;
  part: Part;
  /** The model on which the images are made; null where that is the victim. */
  surrogate: Surrogate | null;
}

export interface PartFindings {
  outcome: PartOutcome;
  /** Adversarial images of those that are broken, in their order. */
  points: Float32Array[];
}

/** @param onBatch called between batches with the number of images that are settled */
export async function attackImages(
  work: PartWork,
  standing: readonly Standing[],
  onBatch: (settled: number) => Promise<void>,
): Promise<PartFindings> {
  const problems = standing.map((image) => problemOf(work, image));
  const run = startRun(work, standing, problems);
  while (run.step()) await onBatch(run.settled);
  return judge(work, standing, problems, run.results());
}

type Posed = Omit<Problem, 'random'>;

function problemOf({ victim, part }: PartWork, { position, target, cleanLogits }: Standing): Posed {
  const { images, dataset } = victim;
  return {
    image: images.at(position),
    shape: dataset.info.shape,
    label: images.labels[position]!,
    target: target === UNTARGETED ? null : target,
    cleanLogits,
    norm: norms[part.norm],
    eps: part.eps,
    box: dataset.info.box,
  };
}

function startRun(
  { victim, part, surrogate }: PartWork,
  standing: readonly Standing[],
  problems: readonly Posed[],
): AttackRun {
  const { seed, images, noise, batchSize } = victim;
  const asked = surrogate ?? victim;
  const posed = surrogate === null ? problems : problems.map((problem) => asSeenBy(surrogate, problem));
  const indexOf = (image: number) => images.indices[standing[image]!.position]!;
  const facts = { classes: asked.oracle.classes, shape: victim.dataset.info.shape };
  return new AttackRun(
    standing.length,
    attemptsOf(part, facts),
    asked.oracle,
    (image, attempt) => ({
      ...posed[image]!,
      random: randomStream(seed, 'attack', part.method, indexOf(image), attempt),
    }),
    {
      batchSize,
      keep: part.minimal ? 'nearest' : 'first',
      ...(noise !== undefined &&
        surrogate === null && {
          disturb: (x: Float32Array, image: number, attempt: number, query: number) =>
            addNoise(x, noise, [seed, 'victim-noise', part.method, indexOf(image), attempt, query]),
        }),
    },
  );
}

/** The same image for a model that counts classes otherwise. */
function asSeenBy({ fromVictim }: Surrogate, problem: Posed): Posed {
  const { label, target } = problem;
  return {
    ...problem,
    label: fromVictim[label]!,
    target: target === null ? null : fromVictim[target]!,
    // Attacks that look at it cannot be transferred.
    cleanLogits: new Float32Array(0),
  };
}

/** What a randomised victim does to its input, which hangs on the name of the occasion alone. */
export function addNoise(x: Float32Array, sigma: number, name: (number | string)[]): void {
  const random = randomStream(...name);
  for (let i = 0; i < x.length; i++) x[i] = x[i]! + sigma * random.normal();
}

/** Asks the victim once at each point, without a loss. @returns logits of each, [classes] */
export function askOnce(
  { oracle, noise, seed, images, batchSize }: Victim,
  points: readonly { x: Float32Array; position: number }[],
  occasion: string,
): Float32Array[] {
  const questions = points.map(({ x, position }) => {
    const query: Query = { x, loss: null };
    if (noise !== undefined) {
      query.x = x.slice();
      addNoise(query.x, noise, [seed, 'victim-noise', occasion, images.indices[position]!]);
    }
    return { query, label: images.labels[position]! };
  });
  const logits: Float32Array[] = [];
  for (let first = 0; first < questions.length; first += batchSize) {
    logits.push(
      ...oracle.ask(questions.slice(first, first + batchSize)).map((answer) => answer.logits.slice()),
    );
  }
  return logits;
}

function judge(
  { victim, part, surrogate }: PartWork,
  standing: readonly Standing[],
  problems: readonly Posed[],
  results: readonly Result[],
): PartFindings {
  const rows = [...standing.keys()];
  // What fools another model is tried on the victim; on the victim itself only what has fooled it.
  const tried = rows.filter((i) => surrogate !== null || results[i]!.isAdversarial);
  const points = tried.map((i) => ({ x: results[i]!.x, position: standing[i]!.position }));
  const answers = askOnce(victim, points, `judged ${part.method}`);
  const logits = new Map(tried.map((i, j) => [i, answers[j]!]));
  const verdicts = rows.map((i) => judgeOne(part, problems[i]!, results[i]!, logits.get(i)));
  return {
    outcome: {
      positions: rows.map((i) => standing[i]!.position),
      broken: verdicts.map(({ isBroken }) => isBroken),
      prediction: verdicts.map(({ prediction }) => prediction),
      distance: verdicts.map(({ distance }) => distance),
      queries: results.map(({ queries }) => queries),
      gradients: results.map(({ gradients }) => gradients),
      seconds: results.map(({ seconds }) => seconds),
      violation: verdicts.map(({ violation }) => violation),
    },
    points: rows.filter((i) => verdicts[i]!.isBroken).map((i) => results[i]!.x),
  };
}

interface Verdict {
  isBroken: boolean;
  prediction: number;
  distance: number;
  violation: PartOutcome['violation'][number];
}

/** @param logits of the victim at the point; undefined where nothing was found */
function judgeOne(part: Part, problem: Posed, { x }: Result, logits: Float32Array | undefined): Verdict {
  const { norm, image, cleanLogits, box } = problem;
  const stands = { isBroken: false, prediction: classOf(cleanLogits), distance: 0, violation: null };
  if (logits === undefined) return stands;
  const eps = part.minimal ? Number.POSITIVE_INFINITY : part.eps;
  const violation = violationOf(x, image, { norm, eps, box });
  if (violation === 'nan') return { ...stands, violation };
  if (!isLedAstray(logits, problem)) return { ...stands, violation };
  const distance = norm.distance(image, x);
  const isBroken = !part.minimal || distance <= part.eps;
  return { isBroken, prediction: isBroken ? classOf(logits) : stands.prediction, distance, violation };
}
