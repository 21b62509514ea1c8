/**
 * R+FGSM (Tramèr et al. 2018, section 4.1): x′ = x + α sign N(0, I), then x′ + (ε − α) sign ∇ at x′, so that the random
 * step leads away from where the gradient is masked. Other norms take their steepest direction in place of the sign.
 */
import { type Attack, isLedAstray } from './attack.ts';
import { type ClimbedLoss, lossFor } from './losses.ts';
import { climbBy } from './pgd.ts';

export interface RFgsmOptions {
  /** Length of the random step in the data's units, at most ε. @default ε / 2, as in the paper */
  alpha?: number;
  /** @default 'ce' */
  loss?: ClimbedLoss;
}

/** Returns x′ if it leads astray already, else the end of the second step. */
export const rFgsm = ({ alpha, loss = 'ce' }: RFgsmOptions = {}): Attack =>
  function* (problem) {
    const { image, norm, eps, box, random } = problem;
    const length = Math.min(alpha ?? eps / 2, eps);
    const x = image.slice();
    climbBy(x, length, random.fillNormal(new Float32Array(x.length)), norm);
    norm.project(x, image, eps, box);
    const { logits, gradient } = yield { x, ...lossFor(loss, problem) };
    if (isLedAstray(logits, problem)) return { x, isAdversarial: true };
    climbBy(x, eps - length, gradient, norm);
    norm.project(x, image, eps, box);
    const end = yield { x, loss: null };
    return { x, isAdversarial: isLedAstray(end.logits, problem) };
  };
