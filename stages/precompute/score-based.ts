/** Score-based targets by a trained score model; their form is in numerics/diffusion/score-target.ts. */
import type { Dataset } from '../../store/dataset-artifact.ts';
import { type DataScale, toScaled } from '../numerics/diffusion/data-scale.ts';
import type { ScoreModel } from '../numerics/diffusion/denoise.ts';
import { addNoise } from '../numerics/diffusion/noise.ts';
import { addLevel, drawsText, type ScoreTarget, scoreWeights } from '../numerics/diffusion/score-target.ts';
import { DenoiseBatches } from './denoise-batches.ts';
import type { TargetMaker, WantedTargets } from './target-maker.ts';

export interface LearnedScore {
  /** Gives s(x | y). */
  conditional: ScoreModel;
  /** Gives s(x); may be the same. */
  unconditional: ScoreModel;
  /** Noise levels are in the conditional model's scale. */
  target: ScoreTarget;
  /** Bounds the network's evaluations at a time. */
  batchSize: number;
}

/** One image under one draw of noise, until all its denoised versions have arrived. */
interface NoisyImage {
  /** Place among the images asked for. */
  place: number;
  level: number;
  /** Whether it is the last draw of its level. */
  isLast: boolean;
  /** x_σ, [size] */
  noisy: Float32Array;
  /** D(x_σ; y) of each target, then D(x_σ): [(targets + 1) × size]. */
  denoised: Float32Array;
  /** Answers still to come. */
  missing: number;
}

export function learnedScore(dataset: Dataset, score: LearnedScore): TargetMaker {
  return {
    description: describe(score.target),
    async compute(wanted) {
      const work = new LearnedTargets(dataset, score, wanted);
      for (let place = 0; place < wanted.count; place++) {
        if (work.ask(place)) await wanted.onImage(work.done);
      }
      work.finish();
      await wanted.onImage(wanted.count);
      return work.out;
    },
  };
}

function describe(target: ScoreTarget): string {
  const { sigmas, combine, guidance } = target;
  const form = guidance === 'difference' ? 'score difference' : `score with guidance ${guidance}`;
  const levels = sigmas.length === 1 ? `sigma ${sigmas[0]}` : `sigmas ${sigmas.join(', ')} (${combine})`;
  return `learned ${form} at ${levels} of the scaled data, ${drawsText(target)}`;
}

/**
 * Images are asked for in order and both queues answer in order, so that draws and levels of an image are summed in
 * order, whatever the batches.
 */
class LearnedTargets {
  readonly out: Float32Array;
  /** Images whose targets are in {@link out}. */
  done = 0;
  readonly #dataset: Dataset;
  readonly #score: LearnedScore;
  readonly #wanted: WantedTargets;
  readonly #targets: number;
  readonly #conditional: DenoiseBatches;
  readonly #unconditional: DenoiseBatches;
  /** Mean over draws of the level that is being summed, [targets × size]. */
  readonly #mean: Float32Array;
  readonly #free: NoisyImage[] = [];
  readonly #weights: ReturnType<typeof scoreWeights>;

  constructor(dataset: Dataset, score: LearnedScore, wanted: WantedTargets) {
    const { conditional, unconditional, batchSize, target } = score;
    const { shape } = dataset.info;
    this.#dataset = dataset;
    this.#score = score;
    this.#wanted = wanted;
    this.#targets = wanted.classes.length / wanted.count;
    this.#weights = scoreWeights(target);
    const isOne = unconditional === conditional;
    const asks = this.#targets + (isOne && this.#weights.unconditional !== 0 ? 1 : 0);
    this.#conditional = new DenoiseBatches(conditional, shape, batchSize, asks);
    this.#unconditional = isOne ? this.#conditional : new DenoiseBatches(unconditional, shape, batchSize, 1);
    this.#mean = new Float32Array(this.#targets * dataset.size);
    this.out = new Float32Array(wanted.count * this.#mean.length);
  }

  /** Asks for all that an image needs; says whether a batch was answered meanwhile. */
  ask(place: number): boolean {
    const { target, conditional } = this.#score;
    const { sigmas, draws, seed } = target;
    const image = this.#wanted.first + place;
    const clean = toScaled(this.#dataset.train.slice(image, 1), conditional.scale);
    let answered = false;
    sigmas.forEach((sigma, level) => {
      for (let draw = 0; draw < draws; draw++) {
        const one = this.#take(place, level, draw === draws - 1);
        one.noisy.set(clean);
        addNoise(one.noisy, { sigma, seed, image, draw, level });
        if (this.#askAll(one, sigma)) answered = true;
      }
    });
    return answered;
  }

  finish(): void {
    this.#unconditional.flush();
    this.#conditional.flush();
  }

  #askAll(one: NoisyImage, sigma: number): boolean {
    const { size } = this.#dataset;
    const places = Array.from({ length: this.#targets }, (_, k) => k);
    const deliverTo = (k: number) => (denoised: Float32Array) => {
      one.denoised.set(denoised, k * size);
      one.missing -= 1;
      if (one.missing === 0) this.#complete(one, sigma);
    };
    this.#conditional.show(one.noisy, sigma);
    let answered = false;
    if (this.#weights.unconditional !== 0)
      answered = this.#askUnconditional(one, sigma, deliverTo(this.#targets));
    for (const k of places) {
      const label = this.#wanted.classes[one.place * this.#targets + k]!;
      if (this.#conditional.ask(label, deliverTo(k))) answered = true;
    }
    return answered;
  }

  /** In the scale of the other model, where there is another one. */
  #askUnconditional(one: NoisyImage, sigma: number, deliver: (denoised: Float32Array) => void): boolean {
    const { conditional, unconditional } = this.#score;
    if (conditional === unconditional) return this.#conditional.ask(null, deliver);
    const there = between(conditional.scale, unconditional.scale);
    const back = between(unconditional.scale, conditional.scale);
    const isSame = there.factor === 1 && there.shift === 0;
    const x = isSame ? one.noisy : toScaled(one.noisy.slice(), there);
    this.#unconditional.show(x, sigma * there.factor);
    return this.#unconditional.ask(null, isSame ? deliver : (denoised) => deliver(toScaled(denoised, back)));
  }

  /** Adds a draw to the mean of its level, and the level to the targets where it was the last draw. */
  #complete(one: NoisyImage, sigma: number): void {
    const { target, conditional } = this.#score;
    const { size } = this.#dataset;
    const weights = this.#weights;
    const sum = weights.conditional + weights.unconditional;
    // s = (D − x) / σ² in the model's scale; times its factor, it is the score in the units of the data.
    const share = conditional.scale.factor / (sigma * sigma * target.draws);
    const blank = one.denoised.subarray(this.#targets * size);
    for (let k = 0; k < this.#targets; k++) {
      for (let j = 0, at = k * size; j < size; j++, at++) {
        const difference = weights.conditional * one.denoised[at]! + weights.unconditional * blank[j]!;
        this.#mean[at] = this.#mean[at]! + share * (difference - sum * one.noisy[j]!);
      }
    }
    if (one.isLast) this.#closeLevel(one);
    this.#free.push(one);
  }

  #closeLevel({ place, level }: NoisyImage): void {
    const { target } = this.#score;
    const { size } = this.#dataset;
    for (let k = 0; k < this.#targets; k++) {
      const row = place * this.#targets + k;
      const mean = this.#mean.subarray(k * size, (k + 1) * size);
      addLevel(target, level, mean, this.out.subarray(row * size, (row + 1) * size));
    }
    this.#mean.fill(0);
    if (level === target.sigmas.length - 1) this.done = place + 1;
  }

  /** A record to fill, used again once it is complete. */
  #take(place: number, level: number, isLast: boolean): NoisyImage {
    const { size } = this.#dataset;
    const missing = this.#targets + (this.#weights.unconditional === 0 ? 0 : 1);
    const free = this.#free.pop();
    if (free !== undefined) return Object.assign(free, { place, level, isLast, missing });
    const denoised = new Float32Array((this.#targets + 1) * size);
    return { place, level, isLast, missing, denoised, noisy: new Float32Array(size) };
  }
}

/** Takes values of one scale to another. */
function between(from: DataScale, to: DataScale): DataScale {
  const factor = to.factor / from.factor;
  return { factor, shift: to.shift - from.shift * factor };
}
