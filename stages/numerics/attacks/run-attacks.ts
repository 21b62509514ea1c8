/**
 * Keeps the climbs of many images going. What they want to know is asked for in batches; a climb that has ended makes
 * room for the next one, so that batches stay full until the work runs out. An image is left alone once an attempt has
 * led the classifier astray.
 */
import type { Answer, Attack, Climb, LossName, Outcome, Problem, Query } from './attack.ts';
import type { Oracle } from './oracle.ts';

/** The problem of one image for one attempt; its random numbers are those of (image, attempt). */
export type ProblemOf = (image: number, attempt: number) => Problem;

export interface RunOptions {
  /** Points asked for at a time. */
  batchSize: number;
  /**
   * `first`: of several attempts that lead astray the earliest counts, and later ones are not made. `nearest`: all are
   * made, and the adversarial point nearest to the image counts. @default 'first'
   */
  keep?: 'first' | 'nearest';
  /** What a randomised classifier does to a point before it looks: gets a copy, and which image, attempt and query it is. */
  disturb?(x: Float32Array, image: number, attempt: number, query: number): void;
}

/** What became of one image. */
export interface Result extends Outcome {
  /** The attempt that this is the outcome of: the one that counts, or the first one where all failed. */
  attempt: number;
  /** Points at which the classifier was asked, in this attempt and all before it (of all attempts with `nearest`). */
  queries: number;
  /** Those of them with a gradient. */
  gradients: number;
  /** Those of them that were answered with a logit or a gradient that is not a finite number. */
  broken: number;
  /** Its share of the time, over all attempts; depends on the machine. */
  seconds: number;
}

interface Active {
  image: number;
  attempt: number;
  climb: Climb;
  problem: Problem;
  query: Query;
  work: Work;
}

/** What an attempt has cost, and how often the answer was no number. */
type Work = Pick<Result, 'queries' | 'gradients' | 'broken'>;

/** How far one image has come. */
interface Progress {
  /** Work of each attempt that has ended. */
  ended: (Work | undefined)[];
  /** The earliest attempt that led astray; Infinity while there is none. */
  success: number;
  /** The outcome that counts so far. */
  best: { outcome: Outcome; attempt: number; distance: number } | null;
  isSettled: boolean;
  seconds: number;
}

/** Climbs kept going for each point of a batch: those that ask for logits and those that ask for gradients fill batches of their own. */
const POOL = 2;

/**
 * Attacks each image with each attempt, in the order of attempts. `step` asks for one batch and says whether there is more
 * to do, so that callers can save, report and stop in between. The results do not depend on the batch size or on the order.
 */
export class AttackRun {
  readonly #images: number;
  readonly #attempts: readonly Attack[];
  readonly #oracle: Oracle;
  readonly #problemOf: ProblemOf;
  readonly #options: Required<Omit<RunOptions, 'disturb'>> & Pick<RunOptions, 'disturb'>;
  readonly #progress: Progress[];
  #active: Active[] = [];
  #next = 0;
  #settled = 0;

  /**
   * @param images number of images
   * @param attempts tried one after the other: restarts, targets
   */
  constructor(
    images: number,
    attempts: readonly Attack[],
    oracle: Oracle,
    problemOf: ProblemOf,
    options: RunOptions,
  ) {
    this.#images = images;
    this.#attempts = attempts;
    this.#oracle = oracle;
    this.#problemOf = problemOf;
    this.#options = { keep: 'first', ...options };
    this.#progress = Array.from({ length: images }, () => ({
      ended: [],
      success: Number.POSITIVE_INFINITY,
      best: null,
      isSettled: false,
      seconds: 0,
    }));
  }

  /** Images whose result is certain. */
  get settled(): number {
    return this.#settled;
  }

  /** Asks for one batch. False once all is done. */
  step(): boolean {
    this.#fill();
    if (this.#active.length === 0) return false;
    const started = performance.now();
    const batch = this.#chooseBatch();
    const answers = this.#oracle.ask(
      batch.map((active) => ({ query: this.#asked(active), label: active.problem.label })),
    );
    batch.forEach((active, i) => {
      const answer = answers[i]!;
      active.work.queries += 1;
      if (active.query.loss !== null) active.work.gradients += 1;
      if (!isWhole(answer)) {
        active.work.broken += 1;
        clear(answer.gradient);
      }
      const { value, done } = active.climb.next(answer);
      if (done) this.#end(active, value);
      else active.query = value;
    });
    const share = (performance.now() - started) / 1000 / batch.length;
    for (const { image } of batch) this.#progress[image]!.seconds += share;
    this.#active = this.#active.filter(({ image, attempt }) => this.#isWanted(image, attempt));
    return true;
  }

  /** One result for each image; call it when `step` has returned false. */
  results(): Result[] {
    return this.#progress.map(({ ended, success, best, seconds }) => {
      const counted = this.#options.keep === 'first' ? ended.slice(0, success + 1) : ended;
      const sum = (of: keyof Work) => counted.reduce((total, work) => total + work![of], 0);
      const work = { queries: sum('queries'), gradients: sum('gradients'), broken: sum('broken') };
      const { outcome, attempt } = best!;
      return { ...outcome, attempt, ...work, seconds };
    });
  }

  /** Whether an attempt has not ended and could still change the result. */
  #isWanted(image: number, attempt: number): boolean {
    const { ended, success } = this.#progress[image]!;
    return ended[attempt] === undefined && (this.#options.keep === 'nearest' || attempt < success);
  }

  /** Starts climbs, attempt after attempt, until the pool is full. */
  #fill(): void {
    const end = this.#images * this.#attempts.length;
    while (this.#active.length < POOL * this.#options.batchSize && this.#next < end) {
      const [image, attempt] = [this.#next % this.#images, Math.floor(this.#next / this.#images)];
      this.#next += 1;
      if (!this.#isWanted(image, attempt)) continue;
      const problem = this.#problemOf(image, attempt);
      const climb = this.#attempts[attempt]!(problem);
      const active: Active = {
        image,
        attempt,
        climb,
        problem,
        query: undefined as never,
        work: { queries: 0, gradients: 0, broken: 0 },
      };
      const { value, done } = climb.next();
      if (done) this.#end(active, value);
      else this.#active.push(Object.assign(active, { query: value }));
    }
  }

  /** Of those that ask for the same kind of answer, the kind that most ask for. */
  #chooseBatch(): Active[] {
    const kinds = new Map<LossName | null, Active[]>();
    for (const active of this.#active) {
      const { loss } = active.query;
      const others = kinds.get(loss);
      if (others === undefined) kinds.set(loss, [active]);
      else others.push(active);
    }
    const most = [...kinds.values()].reduce((a, b) => (b.length > a.length ? b : a));
    return most.slice(0, this.#options.batchSize);
  }

  #asked({ query, image, attempt, work }: Active): Query {
    const { disturb } = this.#options;
    if (disturb === undefined) return query;
    const x = query.x.slice();
    disturb(x, image, attempt, work.queries);
    return { ...query, x };
  }

  #end({ image, attempt, problem, work }: Active, outcome: Outcome): void {
    const progress = this.#progress[image]!;
    progress.ended[attempt] = work;
    if (outcome.isAdversarial && attempt < progress.success) progress.success = attempt;
    const candidate = { outcome, attempt, distance: problem.norm.distance(problem.image, outcome.x) };
    if (progress.best === null || this.#prefers(candidate, progress.best)) progress.best = candidate;
    if (!progress.isSettled && this.#isComplete(progress)) {
      progress.isSettled = true;
      this.#settled += 1;
    }
  }

  /** Whether one outcome of an image counts before another; the order in which they came plays no part. */
  #prefers(one: NonNullable<Progress['best']>, other: NonNullable<Progress['best']>): boolean {
    if (one.outcome.isAdversarial !== other.outcome.isAdversarial) return one.outcome.isAdversarial;
    const isByDistance = this.#options.keep === 'nearest' && one.outcome.isAdversarial;
    if (isByDistance && one.distance !== other.distance) return one.distance < other.distance;
    return one.attempt < other.attempt;
  }

  /** Whether every attempt that could count has ended. */
  #isComplete({ ended, success }: Progress): boolean {
    const all = this.#attempts.length;
    const needed = this.#options.keep === 'nearest' ? all : Math.min(success + 1, all);
    for (let attempt = 0; attempt < needed; attempt++) if (ended[attempt] === undefined) return false;
    return true;
  }
}

const isWhole = ({ logits, gradient }: Answer) => areFinite(logits) && areFinite(gradient);

/** Puts 0 in the place of what is not finite: it leads nowhere. */
function clear(gradient: Float32Array): void {
  for (let i = 0; i < gradient.length; i++) if (!Number.isFinite(gradient[i]!)) gradient[i] = 0;
}

/** By one sum: 0 times what is not finite is NaN. */
function areFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * 0;
  return sum === 0;
}
