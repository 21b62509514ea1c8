/**
 * Wide ResNet for small images (Zagoruyko and Komodakis 2016): norm and ReLU in front of each convolution, dropout
 * between the two of a block. Names and start are those of the PyTorch code that is common for CIFAR-10 (TRADES,
 * AugMix, RobustBench): convolutions by `kaiming_normal_` of the fan out, the last bias at 0. The mean over all
 * pixels at the end is that code's 8 × 8 average pool on images of 32 × 32.
 */
import type { ClassifierConfig } from '../../../schemas/network-config.ts';
import { tf } from '../tensor/tf.ts';
import { batchNorm } from './blocks/batch-norm.ts';
import { convolution } from './blocks/convolution.ts';
import { denseLayer } from './blocks/dense.ts';
import { dropout } from './blocks/dropout.ts';
import { classifierOf, holding, type Layer, pure, sequence } from './blocks/layer.ts';
import { globalAveragePool } from './blocks/pools.ts';
import { fanOutStart, torchStart, ZERO_START } from './blocks/start.ts';
import type { Classifier } from './network.ts';

type WideResnetConfig = Extract<ClassifierConfig, { kind: 'wide-resnet' }>;

/** Channels of the stem, and of the stages before they are widened. */
const STEM = 16;
const STAGES = [16, 32, 64];
/** Convolutions besides those of the blocks: the stem and the three shortcuts. */
const OTHER_CONVOLUTIONS = 4;

const unbiased = (name: string, inputs: number, outputs: number, kernel: number, stride: number) =>
  convolution(name, inputs, outputs, { kernel, stride, bias: false, start: fanOutStart(kernel, outputs) });

/** Where the width changes, the shortcut is a 1×1 convolution and begins behind the first norm and ReLU. */
function block(name: string, inputs: number, outputs: number, stride: number, rate: number): Layer {
  const first = sequence(batchNorm(`${name}.bn1`, inputs), pure(tf.relu));
  const residual = sequence(
    unbiased(`${name}.conv1`, inputs, outputs, 3, stride),
    batchNorm(`${name}.bn2`, outputs),
    pure(tf.relu),
    dropout(rate),
    unbiased(`${name}.conv2`, outputs, outputs, 3, 1),
  );
  const shortcut = inputs === outputs ? null : unbiased(`${name}.convShortcut`, inputs, outputs, 1, stride);
  return {
    ...holding(first, residual, ...(shortcut === null ? [] : [shortcut])),
    apply(values, x, training) {
      const h = first.apply(values, x, training);
      const kept = shortcut === null ? x : shortcut.apply(values, h, training);
      return tf.add(kept, residual.apply(values, h, training));
    },
  };
}

function makeStages({ depth, widen, dropout: rate }: WideResnetConfig): Layer[] {
  const blocks = (depth - OTHER_CONVOLUTIONS) / (2 * STAGES.length);
  const widths = STAGES.map((channels) => channels * widen);
  return widths.flatMap((outputs, stage) =>
    Array.from({ length: blocks }, (_, i) => {
      const inputs = i === 0 ? (widths[stage - 1] ?? STEM) : outputs;
      const stride = i === 0 && stage > 0 ? 2 : 1;
      return block(`block${stage + 1}.layer.${i}`, inputs, outputs, stride, rate);
    }),
  );
}

/** @param shape [height, width, channels] of an image */
export function makeWideResnet(
  config: WideResnetConfig,
  shape: readonly number[],
  classes: number,
): Classifier {
  const last = STAGES.at(-1)! * config.widen;
  const start = { weight: torchStart(last).weight, bias: ZERO_START.bias };
  return classifierOf(
    sequence(
      unbiased('conv1', shape[2]!, STEM, 3, 1),
      ...makeStages(config),
      batchNorm('bn1', last),
      pure(tf.relu),
      globalAveragePool,
      denseLayer('fc', last, classes, { start }),
    ),
  );
}
