/** Draws the toy set from its mixture. */
import type { ExperimentConfig } from '../../schemas/config.ts';
import type { DatasetInfo, RawSplit } from '../../schemas/dataset.ts';
import type { LineMixture } from '../numerics/diffusion/line-mixture.ts';
import { toyMixture } from '../numerics/diffusion/toy-world.ts';
import { type RandomStream, randomStream } from '../numerics/tensor/random.ts';

function drawPoints(
  mixture: LineMixture,
  modeOf: (i: number) => number,
  count: number,
  random: RandomStream,
): RawSplit {
  const images = new Float32Array(2 * count);
  const labels = new Uint16Array(count);
  for (let i = 0; i < count; i++) {
    const { center, label } = mixture.modes[modeOf(i)]!;
    const along = mixture.deviation * random.normal();
    images[2 * i] = center[0] + along * mixture.direction[0];
    images[2 * i + 1] = center[1] + along * mixture.direction[1];
    labels[i] = label;
  }
  return { images, labels };
}

/** Training points mode by mode; test points from the modes in turn. */
export function drawToy({ geometry, seed = 0 }: ExperimentConfig['dataset']): {
  info: DatasetInfo;
  train: RawSplit;
  test: RawSplit;
} {
  const mixture = toyMixture(geometry);
  const modes = mixture.modes.length;
  const trainCount = modes * geometry.pointsPerMode;
  const draw = (purpose: string, modeOf: (i: number) => number, count: number) =>
    drawPoints(mixture, modeOf, count, randomStream(seed, 'toy', purpose));
  return {
    info: {
      name: 'toy',
      shape: [2],
      storage: 'float32',
      box: null,
      classNames: ['0', '1'],
      trainCount,
      testCount: geometry.testPoints,
      sources: [],
      provenance:
        `${modes} Gaussian modes of ${geometry.pointsPerMode} points, ${geometry.spacing} apart along ` +
        `x2 = ${geometry.slope} x1, standard deviation ${geometry.deviation} along the line and 0 across it`,
    },
    train: draw('train', (i) => Math.floor(i / geometry.pointsPerMode), trainCount),
    test: draw('test', (i) => i % modes, geometry.testPoints),
  };
}
