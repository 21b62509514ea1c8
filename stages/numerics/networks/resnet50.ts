/**
 * ResNet-50 for large images (He et al. 2016), as torchvision has it: 7×7 stem of stride 2, max pool, bottlenecks
 * whose stride sits in the 3×3 convolution. Names and start are torchvision's: convolutions by `kaiming_normal_` of
 * the fan out, the dense layer by PyTorch's default.
 */
import type { ClassifierConfig } from '../../../schemas/network-config.ts';
import { tf } from '../tensor/tf.ts';
import { batchNorm } from './blocks/batch-norm.ts';
import { convolution } from './blocks/convolution.ts';
import { denseLayer } from './blocks/dense.ts';
import { classifierOf, holding, type Layer, pure, sequence } from './blocks/layer.ts';
import { globalAveragePool, maxPool } from './blocks/pools.ts';
import { fanOutStart } from './blocks/start.ts';
import type { Classifier } from './network.ts';

const BLOCKS = [3, 4, 6, 3];
/** Channels behind a bottleneck, as multiples of those inside. */
const EXPANSION = 4;

/** Convolution without bias and batch norm. */
function normed(
  [convolutionName, normName]: [string, string],
  inputs: number,
  outputs: number,
  kernel: number,
  stride = 1,
): Layer {
  const start = fanOutStart(kernel, outputs);
  return sequence(
    convolution(convolutionName, inputs, outputs, { kernel, stride, bias: false, start }),
    batchNorm(normName, outputs),
  );
}

/** 1×1, 3×3 and 1×1 convolutions beside a shortcut, which is a 1×1 convolution in the first block of a stage. */
function bottleneck(name: string, inputs: number, inner: number, stride: number, isFirst: boolean): Layer {
  const outputs = EXPANSION * inner;
  const residual = sequence(
    normed([`${name}.conv1`, `${name}.bn1`], inputs, inner, 1),
    pure(tf.relu),
    normed([`${name}.conv2`, `${name}.bn2`], inner, inner, 3, stride),
    pure(tf.relu),
    normed([`${name}.conv3`, `${name}.bn3`], inner, outputs, 1),
  );
  const shortcut = isFirst
    ? normed([`${name}.downsample.0`, `${name}.downsample.1`], inputs, outputs, 1, stride)
    : sequence();
  return {
    ...holding(residual, shortcut),
    apply(values, x, training) {
      const h = residual.apply(values, x, training);
      return tf.relu(tf.add(h, shortcut.apply(values, x, training)));
    },
  };
}

/**
 * One pixel of zeros around an image without negative values, in front of its max pool. PyTorch pads with −∞; behind
 * a ReLU a zero is as good: where it is the largest value of a window, all others are 0 too, and ReLU lets no gradient
 * through there.
 */
const zeroBorder: Layer = pure((x) =>
  tf.pad(x, [
    [0, 0],
    [1, 1],
    [1, 1],
    [0, 0],
  ]),
);

/** @param shape [height, width, channels] of an image */
export function makeResnet50(
  { width }: Extract<ClassifierConfig, { kind: 'resnet50' }>,
  shape: readonly number[],
  classes: number,
): Classifier {
  const stages = BLOCKS.flatMap((blocks, stage) => {
    const inner = width * 2 ** stage;
    return Array.from({ length: blocks }, (_, i) => {
      const before = stage === 0 ? width : (EXPANSION * inner) / 2;
      const stride = i === 0 && stage > 0 ? 2 : 1;
      const inputs = i === 0 ? before : EXPANSION * inner;
      return bottleneck(`layer${stage + 1}.${i}`, inputs, inner, stride, i === 0);
    });
  });
  const last = EXPANSION * width * 2 ** (BLOCKS.length - 1);
  return classifierOf(
    sequence(
      normed(['conv1', 'bn1'], shape[2]!, width, 7, 2),
      pure(tf.relu),
      zeroBorder,
      maxPool(3, 2),
      ...stages,
      globalAveragePool,
      denseLayer('fc', last, classes),
    ),
  );
}
