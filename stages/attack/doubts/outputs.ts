/** Doubts about what the classifier answers: the same each time, logits rather than probabilities, numbers at all. */
import type { AttackSetting } from '../../../schemas/attack-config.ts';
import type { Doubt } from '../../../schemas/attack-results.ts';
import { type Answer, classOf } from '../../numerics/attacks/attack.ts';
import { answersAt, type Victim } from './ask.ts';

/** Times that each image is asked for. */
const TIMES = 5;

/** Logits scaled to length 1 that are farther apart than this are not the same. The official code's threshold. */
const SAME = 1e-4;

/** Deviation at which numbers still pass for probabilities. The official code's threshold. */
const PROBABILITY = 1e-5;

/** @param clean what the classifier said the first time, of all images */
export function outputDoubts(
  victim: Victim,
  clean: readonly Answer[],
  settings: readonly AttackSetting[],
): Doubt[] {
  const broken = clean.filter(({ logits }) => !logits.every(Number.isFinite)).length;
  if (broken > 0) {
    const sentence = `The logits of ${broken} of ${clean.length} clean images hold NaN or infinity. Such images count as wrong without an attack, and gradients near them are worthless. Look for an overflow in the network, a logarithm or a division, and mend it before you attack.`;
    return [{ kind: 'nan', sentence }];
  }
  return [...probabilityDoubts(clean), ...randomDoubts(victim, clean, settings)];
}

function probabilityDoubts(clean: readonly Answer[]): Doubt[] {
  const areProbabilities = clean.every(({ logits }) => {
    const sum = logits.reduce((total, value) => total + value, 0);
    const isWithin = logits.every((value) => value > -PROBABILITY && value < 1 + PROBABILITY);
    return isWithin && Math.abs(sum - 1) < PROBABILITY;
  });
  if (!areProbabilities) return [];
  const sentence = `On all ${clean.length} images tried, the outputs lie in [0, 1] and sum to 1: the classifier seems to give probabilities. Attacks expect logits; the gradient of a softmax all but vanishes where the classifier is sure, so that it looks more robust than it is. Leave the last softmax out of the model and attack again.`;
  return [{ kind: 'probabilities', sentence }];
}

function randomDoubts(victim: Victim, clean: readonly Answer[], settings: readonly AttackSetting[]): Doubt[] {
  const unaware = settings.filter(
    (setting) =>
      !((setting.draws ?? 1) > 1 || (setting.method === 'auto-attack' && setting.version === 'rand')),
  );
  if (unaware.length === 0) return [];
  const images = [...victim.images.keys()];
  const rights = [countRight(victim, clean)];
  const seen = [clean.map(({ logits }) => unit(logits))];
  for (let draw = 1; draw < TIMES; draw++) {
    const answers = answersAt(victim, images, victim.images, null, draw);
    rights.push(countRight(victim, answers));
    seen.push(answers.map(({ logits }) => unit(logits)));
  }
  const differing = images.filter((i) =>
    seen.some((again) => distance(again[i]!, seen[0]![i]!) > SAME),
  ).length;
  const [least, most] = [Math.min(...rights), Math.max(...rights)];
  if (differing === 0 && least === most) return [];
  const sentence = `Asked ${TIMES} times for the same ${images.length} images, the classifier gave different logits for ${differing} of them, and ${least === most ? `${most}` : `between ${least} and ${most}`} were classified right. Its outputs are random: an attack that follows the gradient of one draw need not fool the next, and a figure changes when it is taken again. Use auto-attack with version: rand, or apgd-ce and apgd-dlr with draws: 20.`;
  return [{ kind: 'random-outputs', sentence }];
}

function countRight({ labels }: Victim, answers: readonly Answer[]): number {
  return answers.filter(({ logits }, i) => classOf(logits) === labels[i]).length;
}

function unit(logits: Float32Array): Float64Array {
  const length = Math.hypot(...logits) + 1e-10;
  return Float64Array.from(logits, (value) => value / length);
}

function distance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k]! - b[k]!) ** 2;
  return Math.sqrt(sum);
}
