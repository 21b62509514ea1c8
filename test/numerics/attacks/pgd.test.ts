/** FGSM, R+FGSM and PGD: the contract, and steps whose ends are known in closed form. */
import { fgsm } from '../../../stages/numerics/attacks/fgsm.ts';
import { pgd } from '../../../stages/numerics/attacks/pgd.ts';
import { rFgsm } from '../../../stages/numerics/attacks/r-fgsm.ts';
import { attackContract } from '../../contracts/attack.ts';

const madry = { steps: 6, randomStart: false };
const everyNorm = { norms: ['Linf', 'L2', 'L1'], targeted: true } as const;
attackContract('fgsm', () => fgsm(), { ...everyNorm, fewestClasses: 1, isStrong: false });
attackContract('r-fgsm', () => rFgsm(), { ...everyNorm, fewestClasses: 1, isStrong: false });
attackContract('pgd', (eps) => pgd({ ...madry, stepSize: eps / 2 }), { ...everyNorm, fewestClasses: 1 });
attackContract('pgd with a random start', (eps) => pgd({ ...madry, stepSize: eps / 2, randomStart: true }), {
  ...everyNorm,
  fewestClasses: 1,
});
attackContract('pgd on dlr', (eps) => pgd({ ...madry, stepSize: eps / 2, loss: 'dlr' }), {
  targeted: true,
  fewestClasses: 3,
});
attackContract('pgd on the margin', (eps) => pgd({ ...madry, stepSize: eps / 2, loss: 'margin' }), {
  targeted: true,
  fewestClasses: 2,
});
