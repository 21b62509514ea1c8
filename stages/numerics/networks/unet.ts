/**
 * U-Net for score models of images (Ho et al. 2020, in EDM's role of F): residual blocks at falling resolution,
 * back up with skip connections. Resolution falls by average pooling and rises by nearest-neighbour doubling.
 */
import type { ScoreNetworkConfig } from '../../../schemas/network-config.ts';
import { silu } from '../gradients/silu.ts';
import type { ParameterSpec, Parameters } from '../tensor/parameters.ts';
import { tf } from '../tensor/tf.ts';
import { attention, attentionParameters } from './blocks/attention.ts';
import { convolutionParameters, convolve } from './blocks/convolution.ts';
import { dense, denseParameters } from './blocks/dense.ts';
import { normalizeGroups } from './blocks/group-norm.ts';
import { embeddingWidth, sinusoids } from './blocks/noise-embedding.ts';
import { residual, residualParameters } from './blocks/residual.ts';
import { scaleAndShift } from './blocks/scale-and-shift.ts';
import { noSpread, type Spread, spreadBy } from './blocks/spread.ts';
import { ZERO_START } from './blocks/start.ts';
import type { ScoreNetwork, ScorePass } from './network.ts';

type UnetConfig = Extract<ScoreNetworkConfig, { kind: 'unet' }>;

/** One residual block: where it stands, and its widths. */
interface Block {
  name: string;
  level: number;
  inputs: number;
  outputs: number;
  attends: boolean;
}

/** The blocks on the way down, in the middle and on the way up, with the widths that skip connections imply. */
function layOut(config: UnetConfig, height: number): { down: Block[]; middle: Block; up: Block[] } {
  const widths = config.multipliers.map((multiplier) => multiplier * config.channels);
  const attendsAt = (level: number) => config.attention.includes(height >> level);
  const down: Block[] = [];
  const up: Block[] = [];
  let inputs = config.channels;
  widths.forEach((outputs, level) => {
    for (let i = 1; i <= config.blocks; i++) {
      down.push({ name: `down${level + 1}.${i}`, level, inputs, outputs, attends: attendsAt(level) });
      inputs = outputs;
    }
  });
  const deepest = widths.length - 1;
  const middle = { name: 'middle', level: deepest, inputs, outputs: inputs, attends: attendsAt(deepest) };
  for (const skip of [...down].reverse()) {
    const name = skip.name.replace('down', 'up');
    up.push({
      name,
      level: skip.level,
      inputs: inputs + skip.outputs,
      outputs: skip.outputs,
      attends: skip.attends,
    });
    inputs = skip.outputs;
  }
  return { down, middle, up };
}

function blockParameters(block: Block, embedding: number): ParameterSpec[] {
  return [
    ...residualParameters(block.name, block.inputs, block.outputs, embedding),
    ...(block.attends ? attentionParameters(`${block.name}.attn`, block.outputs) : []),
  ];
}

/**
 * @param shape [height, width, channels]; both sides must be divisible by patch · 2^(resolutions − 1)
 * @param outputs channels of the output
 */
export function makeUnet(
  config: UnetConfig,
  shape: readonly number[],
  classes: number,
  outputs: number,
): ScoreNetwork {
  const [height, , colors] = shape as [number, number, number];
  const { patch } = config;
  const channels = colors * patch * patch;
  const { down, middle, up } = layOut(config, height / patch);
  const embedding = 4 * config.channels;
  const frequencies = config.channels;
  const run = (
    values: Parameters,
    block: Block,
    x: tf.Tensor,
    emb: tf.Tensor,
    pass?: ScorePass,
    spread?: Spread,
  ) => {
    const h = residual(values, block.name, x, emb, config, pass, spread);
    return block.attends ? attention(values, `${block.name}.attn`, h, config.groups) : h;
  };
  return {
    parameters: [
      ...denseParameters('time1', embeddingWidth(frequencies) + classes + config.augmentations, embedding),
      ...denseParameters('time2', embedding, embedding),
      ...convolutionParameters('conv_in', channels, config.channels, { kernel: 3 }),
      ...[...down, middle, ...up].flatMap((block) => blockParameters(block, embedding)),
      ...scaleAndShift('norm_out', config.channels * config.multipliers[0]!),
      ...convolutionParameters(
        'conv_out',
        config.channels * config.multipliers[0]!,
        outputs * patch * patch,
        {
          kernel: 3,
          start: ZERO_START,
        },
      ),
    ],
    forward(values, x, noise, oneHot, pass, places) {
      const spread = spreadBy(places);
      const sources = tf.concat2d(
        [
          spread(sinusoids(noise, frequencies)),
          // Scaled so that the class weighs as much as the noise level (as in EDM's networks).
          tf.mul(oneHot, Math.sqrt(classes)),
          ...augmentationOf(config, oneHot.shape[0], pass),
        ],
        1,
      );
      const emb = silu(dense(values, 'time2', silu(dense(values, 'time1', sources))));
      let h: tf.Tensor4D = convolve(values, 'conv_in', fold(x, patch));
      const skips: tf.Tensor4D[] = [];
      let level = 0;
      for (const block of down) {
        for (; level < block.level; level++) h = tf.avgPool(h, 2, 2, 'valid');
        h = run(values, block, h, emb, pass, skips.length === 0 ? spread : noSpread);
        skips.push(h);
      }
      h = run(values, middle, h, emb, pass);
      for (const block of up) {
        for (; level > block.level; level--) h = double(h);
        h = run(values, block, tf.concat([h, skips.pop()!], 3), emb, pass);
      }
      const folded = convolve(
        values,
        'conv_out',
        normalizeGroups(values, 'norm_out', h, config.groups, undefined, { activation: 'silu' }),
      );
      return unfold(folded, patch);
    },
  };
}

/** The label of augmentations for a network that has a place for it: zeros where nothing was done. */
function augmentationOf({ augmentations }: UnetConfig, batch: number, pass?: ScorePass): tf.Tensor2D[] {
  return augmentations === 0 ? [] : [pass?.augmentation ?? tf.zeros([batch, augmentations])];
}

/** Each pixel becomes 2 × 2. x: [batch, h, w, c] -> [batch, 2h, 2w, c]. */
function double(x: tf.Tensor4D): tf.Tensor4D {
  return tf.image.resizeNearestNeighbor(x, [2 * x.shape[1], 2 * x.shape[2]]);
}

/** Patches of pixels become channels. x: [batch, h, w, c] -> [batch, h/patch, w/patch, patch²·c]. */
function fold(x: tf.Tensor, patch: number): tf.Tensor {
  if (patch === 1) return x;
  const [, height, width, channels] = x.shape as [number, number, number, number];
  const rows = tf.reshape(x, [-1, height / patch, patch, width / patch, patch, channels]);
  const patches = tf.transpose(rows, [0, 1, 3, 2, 4, 5]);
  return tf.reshape(patches, [-1, height / patch, width / patch, patch * patch * channels]);
}

/** The inverse of {@link fold}. */
function unfold(x: tf.Tensor4D, patch: number): tf.Tensor4D {
  if (patch === 1) return x;
  const [, height, width, channels] = x.shape;
  const patches = tf.reshape(x, [-1, height, width, patch, patch, channels / (patch * patch)]);
  const rows = tf.transpose(patches, [0, 1, 3, 2, 4, 5]);
  return tf.reshape(rows, [-1, height * patch, width * patch, channels / (patch * patch)]);
}
