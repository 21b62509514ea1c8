/** A linear classifier whose answers are known in closed form, to be spoilt in one way at a time. */
import { type AttackSetting, attackEntrySchema, stepsOf } from '../../../../schemas/attack-config.ts';
import type { AttackResult } from '../../../../schemas/attack-results.ts';
import type { Victim } from '../../../../stages/attack/doubts/ask.ts';
import type { Attacked } from '../../../../stages/attack/doubts/attacked.ts';
import type { Outcome } from '../../../../stages/attack/outcome.ts';
import type { Answer } from '../../../../stages/numerics/attacks/attack.ts';
import type { Oracle } from '../../../../stages/numerics/attacks/oracle.ts';

export const CLASSES = 5;
export const IMAGES = 40;

/** z = scale · x: image i has its largest value at its class. CE, DLR and margin have their gradients in closed form. */
export function linearOracle(scale = 3): Oracle {
  return {
    shape: [CLASSES],
    classes: CLASSES,
    ask: (questions) =>
      questions.map(({ query: { x, loss }, label }) => {
        const logits = x.map((value) => scale * value);
        const byLogits = loss === null ? new Float32Array(0) : gradientByLogits(logits, label, loss);
        return { logits, loss: Number.NaN, gradient: byLogits.map((value) => scale * value) };
      }),
    dispose() {},
  };
}

function gradientByLogits(z: Float32Array, y: number, loss: string): Float32Array {
  const order = [...z.keys()].sort((a, b) => z[b]! - z[a]!);
  const other = order.find((k) => k !== y)!;
  if (loss === 'ce') {
    const top = z[order[0]!]!;
    const powers = z.map((value) => Math.exp(value - top));
    const sum = powers.reduce((a, b) => a + b, 0);
    // As float32 has it: the share of the sure class is rounded to 1.
    return powers.map((power, k) => Math.fround(power / sum) - (k === y ? 1 : 0));
  }
  const width = loss === 'dlr' ? z[order[0]!]! - z[order[2]!]! : 1;
  return z.map((_, k) => ((k === other ? 1 : 0) - (k === y ? 1 : 0)) / width);
}

/** The same oracle, with each answer changed. */
export function spoilt(oracle: Oracle, change: (answer: Answer, x: Float32Array) => Partial<Answer>): Oracle {
  return {
    ...oracle,
    ask: (questions) =>
      oracle.ask(questions).map((answer, i) => ({ ...answer, ...change(answer, questions[i]!.query.x) })),
  };
}

export function victimOf(oracle: Oracle, more: Partial<Victim> = {}): Victim {
  const labels = Array.from({ length: IMAGES }, (_, i) => i % CLASSES);
  const images = labels.map((label, i) =>
    Float32Array.from({ length: CLASSES }, (_, k) => (k === label ? 0.9 : 0.1 + 0.01 * ((i + k) % 7))),
  );
  return { oracle, images, labels, box: [0, 1], batchSize: 16, ...more };
}

export function setting(given: Record<string, unknown> = {}): AttackSetting {
  const { eps, ...rest } = attackEntrySchema.parse({ method: 'pgd', norm: 'Linf', eps: [0.1], ...given });
  return { ...rest, eps: eps[0]! };
}

/** One attack with the images that it left ('1') or broke ('0'); broken ones fell to part 0 unless `parts` says otherwise. */
export function attackedOf(
  given: Record<string, unknown>,
  flags: string,
  more: {
    cleanFlags?: string;
    /** Name and flags after each part of a cascade; the last equal `flags`. */
    parts?: [string, string][];
    falls?: Attacked['falls'];
    violations?: Partial<Attacked['violations']>;
  } = {},
): Attacked {
  const own = setting(given);
  const { cleanFlags = '1'.repeat(flags.length), falls = [], violations } = more;
  const parts = more.parts ?? [[own.method, flags] as [string, string]];
  const steps = stepsOf(own);
  const count = (text: string) => [...text].filter((flag) => flag === '1').length;
  const images = [...Array(flags.length).keys()];
  const result: AttackResult = {
    name: `${own.method}${steps === null ? '' : `-${steps}`} ${own.norm} ${own.eps}`,
    method: own.method,
    norm: own.norm,
    eps: own.eps,
    steps,
    targeted: own.targeted,
    transferFrom: own.from?.model ?? null,
    n: flags.length,
    cleanCorrect: count(cleanFlags),
    robust: count(flags),
    interval: { low: 0, high: 1 },
    parts: parts.map(([attack, after]) => ({ attack, robust: count(after), queries: 0, gradients: 0 })),
    confusion: [],
    curve: null,
  };
  const outcome: Outcome = {
    survived: images.map((i) => flags[i] === '1'),
    prediction: images.map(() => 0),
    distance: images.map(() => 0),
    target: images.map(() => -1),
    queries: images.map(() => 0),
    gradients: images.map(() => 0),
    seconds: images.map(() => 0),
    part: images.map((i) => (cleanFlags[i] === '0' ? -1 : parts.findIndex(([, after]) => after[i] === '0'))),
  };
  return { setting: own, result, outcome, falls, violations: { ball: 0, box: 0, nan: 0, ...violations } };
}
