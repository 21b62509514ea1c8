/** Figures that the attack stage leaves behind: `attack.json`. Numbers as numbers; shares are counts, so that n is never lost. */
import * as z from 'zod';
import { attackNorm, METHOD_NAMES } from './attack-config.ts';

/** Raised when readers of older files would misunderstand. */
export const ATTACK_SUMMARY_VERSION = 2;

const whole = z.int().min(0);
const share = z.number().min(0).max(1);
const length = z.number().min(0);

const cascadePart = z
  .strictObject({
    attack: z.string().min(1).describe('name of the attack, as in the configuration'),
    robust: whole.describe('images that still stand after it and all before it'),
    queries: whole.describe('points at which the classifier was asked, over all images'),
    gradients: whole.describe('those of them with a gradient'),
  })
  .describe('one attack of a cascade');
export type CascadePart = z.infer<typeof cascadePart>;

const interval = z
  .strictObject({ low: share.describe('lower end, in [0, 1]'), high: share.describe('upper end, in [0, 1]') })
  .describe("Wilson's 95 % interval of a share");
export type Interval = z.infer<typeof interval>;

const attackResult = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .describe('short and unique within the file: pgd-20 L2 1, auto-attack standard Linf 0.0314'),
    method: z.enum(METHOD_NAMES).describe('the attack, as in the configuration'),
    norm: attackNorm.describe('the norm that bounds the perturbation'),
    eps: length.describe('radius of the ball around each image, in the units of the data'),
    steps: whole.nullable().describe('null for methods without steps'),
    targeted: z.boolean().describe('whether a certain wrong class was to be reached, drawn for each image'),
    transferFrom: z
      .string()
      .nullable()
      .describe(
        'folder of the model that the images were made on; null for attacks on the classifier itself',
      ),
    n: whole.describe('images attacked'),
    cleanCorrect: whole.describe('images classified right without an attack'),
    robust: whole.describe('untargeted: images still classified right; targeted: not led to the target'),
    interval: interval.describe("Wilson's 95 % interval of robust / n"),
    parts: z
      .array(cascadePart)
      .describe('attacks in the order in which images went through them; one but for auto-attack'),
    confusion: z
      .array(z.array(whole))
      .describe('images by true class (rows) and class named under attack (columns), [classes][classes]'),
    curve: z
      .array(
        z.strictObject({
          eps: length.describe('radius, in the units of the data'),
          robust: whole.describe('images whose nearest adversarial image found is farther than that'),
        }),
      )
      .nullable()
      .describe(
        'accuracy against eps from the least perturbations found, eps rising from 0; null but for minimal',
      ),
  })
  .describe('one attack at one eps on one classifier');
export type AttackResult = z.infer<typeof attackResult>;

export const DOUBT_KINDS = [
  'zero-gradients',
  'vanishing-gradients',
  'random-outputs',
  'probabilities',
  'nan',
  'square-wins',
  'not-converged',
  'masked-gradients',
  'transfer-wins',
  'ball-violated',
  'box-violated',
  'order',
  'few-classes',
] as const;

const doubt = z
  .strictObject({
    kind: z.enum(DOUBT_KINDS).describe('what was noticed, for programs'),
    sentence: z.string().min(1).describe('what was noticed, what it means and what to do'),
  })
  .describe('a sign that a figure may not mean what it seems to');
export type Doubt = z.infer<typeof doubt>;

const certificate = z
  .strictObject({
    sigma: length.describe('standard deviation of the noise'),
    n0: whole.describe('draws that chose the class'),
    n: whole.describe('draws that bounded its probability'),
    alpha: share.describe('probability, for each image, that its certificate is wrong'),
    images: whole.describe('images tried'),
    abstained: whole.describe('images without a certificate'),
    radii: z
      .array(
        z.strictObject({
          radius: length.describe('L2 distance'),
          correct: whole.describe('images certified to be classified right within it'),
        }),
      )
      .describe('certified accuracy by L2 distance'),
    predicted: z
      .strictObject({
        correct: whole.describe('images that the smoothed classifier names right'),
        abstained: whole.describe('images at which it abstains'),
      })
      .describe("the smoothed classifier's predictions, from the same n draws"),
  })
  .describe('certified accuracy of the smoothed classifier (Cohen et al. 2019)');
/** Certified accuracy of the smoothed classifier (Cohen et al. 2019). Each image's certificate holds with probability 1 − alpha. */
export type CertificateSummary = z.infer<typeof certificate>;

/** `attack.json` */
export const attackSummarySchema = z
  .strictObject({
    version: z
      .literal(ATTACK_SUMMARY_VERSION)
      .describe('raised when readers of older files would misunderstand'),
    model: z.string().min(1).describe('what was attacked: the folder of an imported model, or the network'),
    data: z.string().min(1).describe('name of the data set'),
    n: whole.min(1).describe('test images looked at'),
    cleanCorrect: whole.describe('images classified right without an attack'),
    cleanInterval: interval.describe("Wilson's 95 % interval of cleanCorrect / n"),
    seed: whole.describe('seed of everything random in the attacks'),
    classNames: z.array(z.string()).describe('names of the classes, by index'),
    commonClasses: z
      .array(z.string())
      .optional()
      .describe(
        'classes that model and data have in common, where the model does not know all of the data; only their images count',
      ),
    attacks: z.array(attackResult).describe('in the order of the configuration, each eps by itself'),
    doubts: z.array(doubt).describe('what the evaluator doubts about its own figures; empty if nothing'),
    certificate: certificate.optional().describe('absent where no certificate was asked for'),
  })
  .describe('Accuracy of one classifier under attack');
export type AttackSummary = z.infer<typeof attackSummarySchema>;
