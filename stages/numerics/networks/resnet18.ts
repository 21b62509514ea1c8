/**
 * ResNet-18 for small images (He et al. 2016, with the 3×3 stem that is usual for CIFAR-10: stride 1, no max pool).
 * Names and start are those of the common PyTorch code: PyTorch's defaults, and batch norms that start as identity.
 */
import type { ClassifierConfig } from '../../../schemas/network-config.ts';
import { tf } from '../tensor/tf.ts';
import { batchNorm } from './blocks/batch-norm.ts';
import { convolution } from './blocks/convolution.ts';
import { denseLayer } from './blocks/dense.ts';
import { classifierOf, holding, type Layer, pure, sequence } from './blocks/layer.ts';
import { globalAveragePool } from './blocks/pools.ts';
import type { Classifier } from './network.ts';

const BLOCKS_PER_STAGE = 2;

/** Two 3×3 convolutions beside a shortcut, which is a 1×1 convolution where the shape changes. */
function basicBlock(name: string, inputs: number, outputs: number, stride: number): Layer {
  const residual = sequence(
    convolution(`${name}.conv1`, inputs, outputs, { kernel: 3, stride, bias: false }),
    batchNorm(`${name}.bn1`, outputs),
    pure(tf.relu),
    convolution(`${name}.conv2`, outputs, outputs, { kernel: 3, bias: false }),
    batchNorm(`${name}.bn2`, outputs),
  );
  const shortcut =
    stride === 1 && inputs === outputs
      ? sequence()
      : sequence(
          convolution(`${name}.shortcut.0`, inputs, outputs, { kernel: 1, stride, bias: false }),
          batchNorm(`${name}.shortcut.1`, outputs),
        );
  return {
    ...holding(residual, shortcut),
    apply(values, x, training) {
      const h = residual.apply(values, x, training);
      return tf.relu(tf.add(h, shortcut.apply(values, x, training)));
    },
  };
}

/** @param shape [height, width, channels] of an image */
export function makeResnet18(
  { widths }: Extract<ClassifierConfig, { kind: 'resnet18' }>,
  shape: readonly number[],
  classes: number,
): Classifier {
  const channels = shape[2]!;
  const [first, last] = [widths[0]!, widths.at(-1)!];
  const stages = widths.flatMap((outputs, stage) =>
    Array.from({ length: BLOCKS_PER_STAGE }, (_, i) => {
      const inputs = i === 0 ? (widths[stage - 1] ?? first) : outputs;
      const stride = i === 0 && stage > 0 ? 2 : 1;
      return basicBlock(`layer${stage + 1}.${i}`, inputs, outputs, stride);
    }),
  );
  return classifierOf(
    sequence(
      convolution('conv1', channels, first, { kernel: 3, bias: false }),
      batchNorm('bn1', first),
      pure(tf.relu),
      ...stages,
      globalAveragePool,
      denseLayer('linear', last, classes),
    ),
  );
}
