/**
 * DhariwalUNet, ADM (Dhariwal and Nichol 2021) as published with EDM (Karras et al. 2022, appendix F.2): the embedding
 * scales and shifts behind the second norm of a block, and attention has several heads. Names are those of that code.
 */
import type { ScoreNetworkConfig } from '../../../schemas/network-config.ts';
import { silu } from '../gradients/silu.ts';
import type { ParameterSpec } from '../tensor/parameters.ts';
import { tf } from '../tensor/tf.ts';
import { convolutionParameters, convolve } from './blocks/convolution.ts';
import { dense, denseParameters } from './blocks/dense.ts';
import { type EdmStyle, edmBlockParameters, groupsOf } from './blocks/edm-block.ts';
import { normalizeGroups } from './blocks/group-norm.ts';
import { positionalEmbedding, withAugmentation } from './blocks/noise-embedding.ts';
import { scaleAndShift } from './blocks/scale-and-shift.ts';
import { spreadBy } from './blocks/spread.ts';
import { torchStart, ZERO_START } from './blocks/start.ts';
import { filterTensors } from './edm-filters.ts';
import { blockRunner, edmBlocks, goDown, goUp, planEdm, requireWholeParts } from './edm-plan.ts';
import type { ScoreNetwork } from './network.ts';

type DhariwalConfig = Extract<ScoreNetworkConfig, { kind: 'dhariwal-unet' }>;

const EPSILON = 1e-5;

function styleOf({ channels, headChannels, dropout }: DhariwalConfig): EdmStyle {
  return {
    embedding: 4 * channels,
    skipScale: 1,
    epsilon: EPSILON,
    filter: [1, 1],
    dropout,
    projectsResampled: false,
    adaptive: true,
    heads: (width) => Math.floor(width / headChannels),
    starts: { usual: torchStart, qkv: torchStart, last: () => ZERO_START },
  };
}

function embeddingParameters(
  { channels, augmentations }: DhariwalConfig,
  embedding: number,
  classes: number,
): ParameterSpec[] {
  const normal = { weight: { kind: 'normal', deviation: 1 } as const, bias: ZERO_START.bias };
  return [
    ...(augmentations === 0
      ? []
      : denseParameters('map_augment', augmentations, channels, { bias: false, start: ZERO_START })),
    ...denseParameters('map_layer0', channels, embedding),
    ...denseParameters('map_layer1', embedding, embedding),
    ...(classes > 0 ? denseParameters('map_label', classes, embedding, { bias: false, start: normal }) : []),
  ];
}

/**
 * @param shape [side, side, channels]; the side must be divisible by 2^(resolutions − 1)
 * @param outputs channels of the output
 */
export function makeDhariwalUnet(
  config: DhariwalConfig,
  shape: readonly number[],
  classes: number,
  outputs: number,
): ScoreNetwork {
  const [side, , colors] = shape as [number, number, number];
  const style = styleOf(config);
  const widths = config.multipliers.map((multiplier) => multiplier * config.channels);
  const { blocks, attention, channels } = config;
  const first = widths[0]!;
  const levels = planEdm({ side, first, widths, blocks, attention, attendsUp: 'all' });
  requireWholeParts(levels, style, config);
  const begin = `enc.${side}x${side}_conv`;
  return {
    parameters: [
      ...embeddingParameters(config, style.embedding, classes),
      ...convolutionParameters(begin, colors, first, { kernel: 3 }),
      ...edmBlocks(levels).flatMap((block) => edmBlockParameters(block, style)),
      ...scaleAndShift('out_norm', first),
      ...convolutionParameters('out_conv', first, outputs, { kernel: 3, start: ZERO_START }),
    ],
    derived: filterTensors(levels, style),
    forward(values, x, noise, oneHot, pass, places) {
      const spread = spreadBy(places);
      const rates = withAugmentation(values, spread(positionalEmbedding(noise, channels / 2, false)), pass);
      const mapped = dense(values, 'map_layer1', silu(dense(values, 'map_layer0', rates)));
      const emb = silu(
        'map_label.weight' in values ? tf.add(mapped, dense(values, 'map_label', oneHot)) : mapped,
      );
      const run = blockRunner(values, style, emb as tf.Tensor2D, pass);
      let { h, skips } = goDown(levels, convolve(values, begin, x), run, spread);
      for (const level of [...levels].reverse()) h = goUp(level, h, skips, run);
      const normed = normalizeGroups(values, 'out_norm', h, groupsOf(first), EPSILON, { activation: 'silu' });
      return convolve(values, 'out_conv', normed);
    },
  };
}
