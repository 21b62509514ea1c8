/** Figures that the attack stage leaves behind: `attack.json`. Numbers as numbers; shares are counts, so that n is never lost. */
import type { AttackNorm, MethodName } from './attack-config.ts';

/** Raised when readers of older files would misunderstand. */
export const ATTACK_SUMMARY_VERSION = 2;

/** One attack of a cascade. */
export interface CascadePart {
  attack: string;
  /** Images that still stand after it and all before it. */
  robust: number;
  /** Points at which the classifier was asked, over all images. */
  queries: number;
  /** Those of them with a gradient. */
  gradients: number;
}

/** Wilson's 95 % interval of a share. */
export interface Interval {
  low: number;
  high: number;
}

/** One attack at one ε on one classifier. */
export interface AttackResult {
  /** Short and unique within the file: `pgd-20 L2 1`, `auto-attack standard Linf 0.0314`. */
  name: string;
  method: MethodName;
  norm: AttackNorm;
  eps: number;
  /** Null for methods without steps. */
  steps: number | null;
  targeted: boolean;
  /** Folder of the model that the images were made on; null for attacks on the classifier itself. */
  transferFrom: string | null;
  /** Images attacked. */
  n: number;
  cleanCorrect: number;
  /** Untargeted: still classified right. Targeted: not led to the target. */
  robust: number;
  /** Of robust / n. */
  interval: Interval;
  /** Attacks in the order in which images went through them; one entry but for auto-attack. */
  parts: CascadePart[];
  /** Images by true class (rows) and class named under attack (columns), [classes][classes]. */
  confusion: number[][];
  /** Accuracy against ε from the least perturbations found; null but for `minimal`. Ascending ε, from 0. */
  curve: { eps: number; robust: number }[] | null;
}

/** A sign that a figure may not mean what it seems to. */
export interface Doubt {
  /** What was noticed, for programs. */
  kind:
    | 'zero-gradients'
    | 'vanishing-gradients'
    | 'random-outputs'
    | 'probabilities'
    | 'nan'
    | 'square-wins'
    | 'not-converged'
    | 'masked-gradients'
    | 'transfer-wins'
    | 'ball-violated'
    | 'box-violated'
    | 'order'
    | 'few-classes';
  /** What was noticed, what it means and what to do. */
  sentence: string;
}

/** `attack.json` */
export interface AttackSummary {
  version: typeof ATTACK_SUMMARY_VERSION;
  n: number;
  cleanCorrect: number;
  /** Of cleanCorrect / n. */
  cleanInterval: Interval;
  seed: number;
  classNames: string[];
  attacks: AttackResult[];
  /** Doubts the evaluator has about its own figures; empty if none. */
  doubts: Doubt[];
  /** Absent where no certificate was asked for. */
  certificate?: CertificateSummary;
}

/** Certified accuracy of the smoothed classifier (Cohen et al. 2019). Each image's certificate holds with probability 1 − alpha. */
export interface CertificateSummary {
  sigma: number;
  /** Draws that chose the class, and draws that bounded its probability. */
  n0: number;
  n: number;
  alpha: number;
  /** Images tried. */
  images: number;
  /** Images without a certificate. */
  abstained: number;
  /** Images that are certified to be classified right within each L2 distance. */
  radii: { radius: number; correct: number }[];
  /** The smoothed classifier's predictions, from the same n draws. */
  predicted: { correct: number; abstained: number };
}
