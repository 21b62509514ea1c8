/** `pipeline attack`: options and help. What it does is loaded when it is asked for. */

const text = { type: 'string', requiresArg: true } as const;
const number = { type: 'number', requiresArg: true } as const;
const flag = { type: 'boolean', default: false } as const;

/** Options of the command that no other command has. */
export const ATTACK_OPTIONS = {
  model: { ...text, describe: 'Classifier: model folder or artifact of train' },
  norm: { ...text, default: 'Linf', describe: 'Linf, L2 or L1' },
  eps: { ...text, describe: 'Radius: 8/255, or several: 2/255,8/255' },
  attack: { ...text, default: 'standard', describe: 'What attacks it, see below' },
  n: { ...number, describe: 'Test images, the first so many (default: all)' },
  steps: { ...number, describe: 'Of pgd (20), apgd and fab (100)' },
  restarts: { ...number, describe: 'Attempts at each image, from random points (1)' },
  queries: { ...number, describe: 'Of square (5000)' },
  targeted: { ...flag, describe: 'Towards a random other class' },
  minimal: { ...flag, describe: 'With fab: nearest adversarial images' },
  from: { ...text, describe: 'Transfer: model on which images are made' },
  noise: { ...text, describe: 'Deviation of noise that the classifier adds' },
  keep: { ...text, default: 'none', describe: 'Adversarial images: npz, png, both' },
  'data-folder': { ...text, describe: 'Data sets (default: $PAG_DATA, else ./data)' },
} as const;

/** Those that mean something else to other commands. */
export const ATTACK_MEANINGS = {
  data: { ...text, describe: 'Name (cifar10), folder of your own, or .yaml' },
  seed: { ...number, default: 0, describe: 'Of all that is drawn' },
  set: {
    ...text,
    array: true,
    default: [] as string[],
    defaultDescription: 'none',
    describe: 'Any other, e.g. attack.certify.sigma=0.5',
  },
} as const;

export const ATTACK_USAGE = '$0 attack --model DIR --data NAME --eps RADIUS';

export const ATTACK_HELP = `--attack is one of
  standard, plus, rand  the versions of AutoAttack
  fgsm, r-fgsm, pgd, apgd-ce, apgd-dlr, apgd-t, fab, fab-t, square
  gaussian-noise, uniform-noise, salt-and-pepper
  none                  the clean accuracy alone
or several (fgsm,pgd), each by itself. Several of those that AutoAttack is made
of (apgd-ce,square) are a cascade: only images that still stand go on.

Radii are in the units of the data, [0, 1] for images. A .yaml is an experiment
file, whose data set is taken.

Examples:
  pipeline attack --model models/resnet18 --data cifar10 --eps 8/255 --n 1000
  pipeline attack --model models/resnet18 --data cifar10 --norm L2 --eps 0.5 \\
    --attack pgd --steps 40 --restarts 5

The same command again goes on, or shows what there is. docs/attacks.md tells
what each attack is, and how to read the figures.`;
