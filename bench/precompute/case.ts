/** What both programs compute targets with: a score network with its weights, images, and noisy ones to agree on. */
import { type ScoreNetworkConfig, scoreNetworkSchema } from '../../schemas/network-config.ts';
import { sizeOf } from '../../schemas/shape.ts';
import { toScaled } from '../../stages/numerics/diffusion/data-scale.ts';
import { addNoise } from '../../stages/numerics/diffusion/noise.ts';
import { makeScoreNetwork } from '../../stages/numerics/networks/registry.ts';
import { initializeParameters } from '../../stages/numerics/tensor/parameters.ts';
import { randomStream } from '../../stages/numerics/tensor/random.ts';
import { toStateDict } from '../../store/model-files.ts';
import { writeTensors } from '../../store/tensor-file.ts';

export const CLASSES = 10;
export const SIGMA = 1;
export const SIGMA_DATA = 0.5;
export const SEED = 0;
/** Images in [0, 1] as score models see them. */
export const SCALE = { factor: 2, shift: -1 };
/** Images in the file; targets are computed of them again and again. */
export const IMAGES = 256;
/** The first so many are the ones whose targets must agree. */
export const CHECKED = 4;
export const MODEL_PREFIX = 'model.';

export interface Contestant {
  config: ScoreNetworkConfig;
  shape: number[];
  /** Evaluations of the network at a time. */
  batch: number;
}

export const NETWORKS: Record<string, Contestant> = {
  'unet-usps': {
    config: scoreNetworkSchema.parse({ kind: 'unet', patch: 2, channels: 16, multipliers: [1, 2] }),
    shape: [16, 16, 1],
    batch: 64,
  },
  'unet-cifar10': {
    config: scoreNetworkSchema.parse({ kind: 'unet', patch: 2, channels: 32, multipliers: [1, 2] }),
    shape: [32, 32, 3],
    batch: 64,
  },
  // The DDPM++ of the papers has 128 channels and 4 blocks; this one is small enough to be measured in seconds.
  'ddpm++': {
    config: scoreNetworkSchema.parse({ kind: 'song-unet', channels: 64, multipliers: [1, 2, 2], blocks: 2 }),
    shape: [32, 32, 3],
    batch: 32,
  },
};

/** Deviation of what is added to the first weights, so that no layer is switched off, as some are before training. */
const WEIGHT = 0.05;

/**
 * Writes images [IMAGES, ...shape] in [0, 1], the noisy ones to agree on [CHECKED, ...shape] in the model's scale, and
 * the weights behind {@link MODEL_PREFIX}.
 */
export async function writeCase(path: string, { config, shape }: Contestant): Promise<void> {
  const random = randomStream(SEED, 'bench-precompute');
  const size = sizeOf(shape);
  const { parameters } = makeScoreNetwork(config, shape, CLASSES);
  const flat = initializeParameters(parameters, random).map((value) => value + WEIGHT * random.normal());
  const images = Float32Array.from({ length: IMAGES * size }, () => random.integer(256) / 255);
  const noisy = toScaled(images.slice(0, CHECKED * size), SCALE);
  for (let image = 0; image < CHECKED; image++) {
    const values = noisy.subarray(image * size, (image + 1) * size);
    addNoise(values, { sigma: SIGMA, seed: SEED, image, draw: 0, level: 0 });
  }
  const weights = Object.entries(toStateDict(parameters, { flat }));
  await writeTensors(path, {
    images: { shape: [IMAGES, ...shape], data: images },
    noisy: { shape: [CHECKED, ...shape], data: noisy },
    ...Object.fromEntries(weights.map(([name, tensor]) => [MODEL_PREFIX + name, tensor])),
  });
}
