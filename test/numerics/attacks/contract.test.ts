/** The promises of all attacks, held against the parts of AutoAttack and the noises; those of PGD are in its own test. */
import { apgd } from '../../../stages/numerics/attacks/apgd.ts';
import { apgdTargeted } from '../../../stages/numerics/attacks/apgd-targeted.ts';
import { fab } from '../../../stages/numerics/attacks/fab.ts';
import { fabTargeted } from '../../../stages/numerics/attacks/fab-targeted.ts';
import { gaussianNoise } from '../../../stages/numerics/attacks/gaussian-noise.ts';
import { saltAndPepper } from '../../../stages/numerics/attacks/salt-and-pepper.ts';
import { square } from '../../../stages/numerics/attacks/square.ts';
import { uniformNoise } from '../../../stages/numerics/attacks/uniform-noise.ts';
import { attackContract } from '../../contracts/attack.ts';

const everyNorm = { norms: ['Linf', 'L2', 'L1'] } as const;
attackContract('apgd on ce', () => apgd({ loss: 'ce', steps: 10 }), { ...everyNorm, targeted: true });
attackContract('apgd on dlr', () => apgd({ loss: 'dlr', steps: 10 }), { ...everyNorm, fewestClasses: 3 });
attackContract('apgd in shrinking balls', () => apgd({ loss: 'ce', steps: 10, shrinkingBall: true }), {
  norms: ['L1'],
});
attackContract('apgd-t', () => apgdTargeted({ rank: 2, steps: 10 }), { ...everyNorm, fewestClasses: 4 });
attackContract('fab', () => fab({ steps: 10, randomStart: false }), everyNorm);
attackContract('fab from a random start', () => fab({ steps: 10, randomStart: true }), everyNorm);
attackContract('fab-t', () => fabTargeted({ rank: 2, steps: 10, randomStart: false }), everyNorm);
attackContract('square', () => square({ queries: 60 }), { ...everyNorm, isStrong: false });
for (const noise of [gaussianNoise, uniformNoise, saltAndPepper]) {
  attackContract(noise.name, () => noise(), { ...everyNorm, isStrong: false });
}
