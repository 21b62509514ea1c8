/** The experiments that the report is tried on: gray digits, a toy plane, and colour pictures with many variants. */
import type { Analysis } from '../../../schemas/results.ts';
import type { Tensor } from '../../../store/tensor-file.ts';
import { gradient, image, MODES, moved, noise, planeLogits } from './drawings.ts';
import type { Fixture, FixtureVariant } from './fixture.ts';

const NO_ANALYSIS: Analysis = { alignment: null, scoreAgreement: null, pictures: null, plane: null };
const USPS_ATTACKS = [
  { method: 'fgsm', norm: 'Linf', eps: [0.05, 0.1] },
  { method: 'pgd', norm: 'L2', eps: [0.5, 1, 1.5] },
  { method: 'pgd', norm: 'Linf', eps: [0.05, 0.1] },
  { method: 'pgd', norm: 'L2', eps: [1, 2], targeted: true },
];

/** Three classifiers of 16 × 16 digits. */
export function digits(): Fixture {
  const common = {
    seed: 1,
    attack: { attacks: USPS_ATTACKS },
    report: { title: 'Perceptually aligned gradients on USPS' },
  };
  const variant = (
    label: string,
    method: string,
    cosine: number,
    roughness: [number, number],
    rest: Pick<FixtureVariant, 'cleanCorrect' | 'robust'>,
  ): FixtureVariant => ({
    label,
    settings: { ...common, precompute: { method }, train: { lambda: 5 } },
    cosine,
    analysis: { ...NO_ANALYSIS, alignment: { meanCosine: cosine, images: 512 }, pictures: PICTURES },
    arrays: pictureArrays({ side: 16, channels: 1, classes: 10, roughness }),
    ...rest,
  });
  return {
    info: {
      name: 'usps',
      shape: [16, 16, 1],
      storage: 'uint8',
      box: [0, 1],
      classNames: DIGIT_NAMES,
      trainCount: 7290,
      testCount: 2007,
      sources: [
        {
          name: 'usps.bz2',
          bytes: 1776184,
          sha256: '3771e9dd6ba685185f89867b6e249233dd74652389f263963b3b741e994b034f',
        },
      ],
      provenance: 'Handwritten digits of the United States Postal Service, as distributed with LIBSVM.',
    },
    n: 2007,
    variants: [
      {
        label: 'vanilla',
        settings: { ...common, train: { method: 'vanilla' } },
        cleanCorrect: 1917,
        robust: [1794, 1340, 1736, 1122, 444, 1768, 1230, 1690, 1010],
        analysis: { ...NO_ANALYSIS, pictures: PICTURES },
        arrays: pictureArrays({ side: 16, channels: 1, classes: 10, roughness: [0.95, null] }),
      },
      variant('sbg', 'sbg', 0.62, [0.35, 0.15], {
        cleanCorrect: 1915,
        robust: [1860, 1712, 1832, 1636, 1160, 1846, 1696, 1870, 1655],
      }),
      variant('nearest-neighbor', 'nearest-neighbor', 0.48, [0.5, 0], {
        cleanCorrect: 1895,
        robust: [1835, 1660, 1804, 1511, 963, 1818, 1630, 1842, 1540],
      }),
    ],
  };
}

const DIGIT_NAMES = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
const PICTURES: Analysis['pictures'] = { labels: [0, 1, 2, 3, 4, 5, 6, 7], eps: 6, targetImages: 'train' };

interface PictureSettings {
  side: number;
  channels: number;
  classes: number;
  /** Share of noise in the classifier's gradients, and in the targets; null for no targets. */
  roughness: [number, number | null];
  labels?: number[];
}

function pictureArrays({
  side,
  channels,
  classes,
  roughness,
  labels = PICTURES!.labels,
}: PictureSettings): Record<string, Tensor> {
  const size = side * side * channels;
  const images = labels.map((label) => image(label, side, channels, label));
  const stack = (of: (picture: Float32Array, target: number, seed: number) => Float32Array): Tensor => {
    const data = new Float32Array(labels.length * classes * size);
    for (const [i, picture] of images.entries()) {
      for (let target = 0; target < classes; target++) {
        data.set(of(picture, target, 100 * i + target), (i * classes + target) * size);
      }
    }
    return { shape: [labels.length, classes, side, side, channels], data };
  };
  const along = (share: number) => (picture: Float32Array, target: number, seed: number) =>
    gradient(picture, target, side, channels, share, seed);
  const [own, targets] = roughness;
  return {
    images: {
      shape: [labels.length, side, side, channels],
      data: Float32Array.from(images.flatMap((picture) => [...picture])),
    },
    gradients: stack(along(own)),
    attacked: stack((picture, target, seed) => moved(picture, along(own)(picture, target, seed), 0.9)),
    ...(targets === null ? {} : { targets: stack(along(targets)) }),
  };
}

/** Six classifiers of points on a line, two of them with scores. */
export function toy(): Fixture {
  const attacks = [{ method: 'pgd', norm: 'L2', eps: [5, 10, 15], steps: 100, targeted: true }];
  const network = { kind: 'mlp', hidden: [256] };
  const variant = (
    label: string,
    settings: Record<string, unknown>,
    robust: number[],
    tilt: number,
  ): FixtureVariant => ({
    label,
    settings: {
      seed: 1,
      dataset: { name: 'toy' },
      attack: { attacks },
      report: { title: 'The toy set of six modes' },
      train: { network, epochs: 40 },
      ...settings,
    },
    cleanCorrect: 600,
    robust,
    ...(label === 'vanilla' ? {} : { cosine: 0.9 }),
    analysis: {
      ...NO_ANALYSIS,
      alignment: label === 'vanilla' ? null : { meanCosine: 0.9, images: 512 },
      scoreAgreement: label === 'sbg learned' ? { meanCosine: 0.9876, worstCosine: 0.7654, n: 1024 } : null,
      plane: { box: { x: [-124, 124], y: [-124, 124] }, cells: 120 },
    },
    arrays: planeArrays(tilt, label !== 'vanilla'),
  });
  return {
    info: {
      name: 'toy',
      shape: [2],
      storage: 'float32',
      box: null,
      classNames: ['0', '1'],
      trainCount: 6000,
      testCount: 600,
      sources: [],
      provenance: '6 Gaussian modes of 1000 points each, 40 apart along x2 = 2 x1',
    },
    n: 600,
    variants: [
      variant('vanilla', { train: { method: 'vanilla', network, epochs: 40 } }, [560, 470, 327], -0.2),
      variant('sbg exact', { score: { kind: 'analytic' } }, [600, 596, 580], 1.05),
      variant('sbg learned', {}, [600, 594, 571], 1),
      variant('nearest-neighbor', { precompute: { method: 'nearest-neighbor' } }, [600, 592, 567], 0.95),
      variant('class-mean', { precompute: { method: 'class-mean' } }, [580, 500, 402], 0.5),
      variant('one-image', { precompute: { method: 'one-image' } }, [570, 480, 371], 0.3),
    ],
  };
}

function planeArrays(tilt: number, hasTargets: boolean): Record<string, Tensor> {
  const random = noise(7);
  const points = Array.from({ length: 600 }, (_, i) => {
    const mode = MODES[i % 6]!;
    const along = random() + random();
    return [mode.x + along / Math.sqrt(5), mode.y + (2 * along) / Math.sqrt(5)];
  });
  const labels = points.map((_, i) => MODES[i % 6]!.label);
  const arrays = {
    points: { shape: [600, 2], data: Float32Array.from(points.flat()) },
    pointLabels: { shape: [600], data: Float32Array.from(labels) },
    boundary: { shape: [120, 120], data: planeLogits(124, 120, tilt) },
  };
  if (!hasTargets) return arrays;
  const from = points.slice(0, 48);
  const arrows = from.flatMap((_, i) => (i % 6 === 5 ? [-16, -32] : [16 + random(), 32 + random()]));
  return {
    ...arrays,
    arrowsFrom: { shape: [48, 2], data: Float32Array.from(from.flat()) },
    arrows: { shape: [48, 2], data: Float32Array.from(arrows) },
  };
}

const THINGS = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];

/** Twelve variants of a matrix with long labels on colour pictures, one of which the evaluator doubts. */
export function colors(): Fixture {
  const variants = Array.from({ length: 12 }, (_, i): FixtureVariant => {
    const robust = [900, 800, 500].map((count) => count - 40 * (11 - i));
    return {
      label: i === 0 ? 'vanilla <b>&"\'</b>' : `train.lambda=${i / 2}, seed=${i % 3}, resnet18`,
      settings: {
        seed: i % 3,
        attack: {
          attacks: [
            {
              method: 'pgd',
              norm: 'Linf',
              eps: [0.01, 0.02, 0.03],
              steps: 10,
              restarts: 5,
              randomStart: true,
            },
          ],
        },
        train: i === 0 ? { method: 'vanilla' } : { lambda: i / 2 },
      },
      cleanCorrect: 930,
      robust,
      doubts:
        i === 0
          ? [
              {
                kind: 'zero-gradients',
                sentence:
                  'The loss gradient of 12 of 1000 clean images is exactly zero: attacks that follow gradients cannot move them.',
              },
            ]
          : [],
      ...(i === 0 ? {} : { cosine: 0.3 + 0.04 * i }),
      analysis: {
        ...NO_ANALYSIS,
        alignment: i === 0 ? null : { meanCosine: 0.3 + 0.04 * i, images: 512 },
        pictures: i < 3 ? { ...PICTURES!, labels: [0, 1] } : null,
      },
      arrays:
        i < 3
          ? pictureArrays({
              side: 32,
              channels: 3,
              classes: 10,
              roughness: [0.9 - 0.3 * i, i === 0 ? null : 0.2],
              labels: [0, 1],
            })
          : {},
    };
  });
  return {
    info: {
      name: 'things',
      shape: [32, 32, 3],
      storage: 'uint8',
      box: [0, 1],
      classNames: THINGS,
      trainCount: 5000,
      testCount: 1000,
      sources: [],
      provenance: 'Drawn for this test.',
    },
    n: 1000,
    variants,
  };
}

/** Three classifiers under AutoAttack, FAB's nearest images, noise and images of another model; doubts about two of them. */
export function attacked(): Fixture {
  const common = {
    attack: {
      attacks: [
        { method: 'auto-attack', norm: 'Linf', eps: [2 / 255, 4 / 255, 8 / 255] },
        { method: 'auto-attack', norm: 'L2', eps: [0.5], version: 'plus' },
        { method: 'fab-t', norm: 'L2', eps: [0.5], minimal: true },
        { method: 'pgd', norm: 'Linf', eps: [8 / 255], steps: 40, loss: 'margin', from: { model: 'vit' } },
        { method: 'uniform-noise', norm: 'Linf', eps: [8 / 255] },
      ],
    },
    report: { title: 'Robust classifiers of things' },
  };
  const variant = (
    label: string,
    cleanCorrect: number,
    robust: number[],
    doubts: FixtureVariant['doubts'] = [],
  ): FixtureVariant => ({
    label,
    settings: { ...common, train: { method: 'vanilla' } },
    cleanCorrect,
    robust,
    doubts,
    analysis: NO_ANALYSIS,
    arrays: {},
  });
  const { info } = colors();
  return {
    info,
    n: 1000,
    variants: [
      variant(
        'vanilla',
        951,
        [420, 60, 4, 190, 204, 512, 930],
        [
          {
            kind: 'vanishing-gradients',
            sentence:
              'The gradient of the cross entropy is less than 1e-10 of that of the DLR loss at 61 of 122 clean images, because the largest logit leads by 31.4 (median): the logits are scaled, and rounding spoils what is left of the gradient. Figures of fgsm, pgd and apgd-ce may be too high. Use losses that do not depend on the scale of the logits: apgd-dlr, apgd-t, pgd with loss: margin; or auto-attack.',
          },
        ],
      ),
      variant('adversarial', 870, [760, 640, 481, 583, 590, 841, 868]),
      variant(
        'aligned',
        884,
        [731, 588, 402, 540, 552, 829, 880],
        [
          {
            kind: 'square-wins',
            sentence:
              'auto-attack standard Linf 0.0314: square, which sees no gradients, broke 12 of 1000 images (1.2 %) that the attacks before it left standing. Gradients may be masked, and the true accuracy lower than any figure here. Run square with more queries and restarts (queries: 20000, restarts: 5), and design an attack for what is special about this model.',
          },
        ],
      ),
    ],
  };
}
