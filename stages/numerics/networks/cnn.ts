/**
 * Classifier by a list of layers, one after the other: PyTorch's `nn.Sequential`, with the start of its layers. A
 * flatten behind global-avg-pool changes nothing, so that lists with `AdaptiveAvgPool2d(1), Flatten()` keep their places.
 */
import type { LayerConfig } from '../../../schemas/layer-config.ts';
import type { ClassifierConfig } from '../../../schemas/network-config.ts';
import { layerNames, layerShapes, paddingOf, type Shape } from '../../../schemas/network-fit.ts';
import { sizeOf } from '../../../schemas/shape.ts';
import { tf } from '../tensor/tf.ts';
import { activation } from './blocks/activations.ts';
import { batchNorm } from './blocks/batch-norm.ts';
import { convolution } from './blocks/convolution.ts';
import { denseLayer } from './blocks/dense.ts';
import { dropout } from './blocks/dropout.ts';
import { groupNorm } from './blocks/group-norm.ts';
import { classifierOf, type Layer, pure, sequence } from './blocks/layer.ts';
import { layerNorm } from './blocks/layer-norm.ts';
import { averagePool, globalAveragePool, maxPool } from './blocks/pools.ts';
import type { Classifier } from './network.ts';

/** PyTorch's default of `nn.LayerNorm`. */
const LAYER_NORM_EPSILON = 1e-5;

/** Where a layer stands. */
interface Place {
  name: string;
  /** Shape in front of it. */
  before: Shape;
  /** Shape behind it. */
  behind: Shape;
  /** The image whose values the vector in front of it holds, which PyTorch orders by channel, row, column. */
  flattened: Shape | undefined;
}

function makeLayer(layer: LayerConfig, { name, before, behind, flattened }: Place): Layer {
  const [inputs, outputs] = [before.at(-1)!, behind.at(-1)!];
  switch (layer.kind) {
    case 'conv':
      return convolution(name, inputs, outputs, { ...layer, padding: paddingOf(layer) });
    case 'dense':
      return denseLayer(name, inputs, outputs, { bias: layer.bias, flattened });
    case 'batch-norm':
      return batchNorm(name, inputs, flattened);
    case 'layer-norm':
      return layerNorm(name, inputs, LAYER_NORM_EPSILON, flattened);
    case 'group-norm':
      return groupNorm(name, inputs, layer.groups);
    case 'max-pool':
      return maxPool(layer.size, layer.stride ?? layer.size);
    case 'avg-pool':
      return averagePool(layer.size, layer.stride ?? layer.size);
    case 'global-avg-pool':
      return globalAveragePool;
    case 'flatten':
      return pure((x) => tf.reshape(x, [-1, sizeOf(before)]));
    case 'dropout':
      return dropout(layer.rate);
    default:
      return activation(layer);
  }
}

/** For each layer, the image whose values its vector holds: behind a flatten, as far as the next dense layer. */
function flattenedImages(layers: readonly LayerConfig[], shapes: readonly Shape[]): (Shape | undefined)[] {
  let image: Shape | undefined;
  return layers.map(({ kind }, i) => {
    const current = image;
    if (kind === 'flatten' && shapes[i]!.length === 3) image = shapes[i];
    if (kind === 'dense') image = undefined;
    return current;
  });
}

/** @param shape [height, width, channels] of an image that the layers fit (`networkMisfit`) */
export function makeCnn(
  config: Extract<ClassifierConfig, { kind: 'cnn' }>,
  shape: readonly number[],
  classes: number,
): Classifier {
  const { layers } = config;
  const names = layerNames(config);
  const shapes = layerShapes(layers, shape, classes) as Shape[];
  const images = flattenedImages(layers, shapes);
  const made = layers.map((layer, i) =>
    makeLayer(layer, {
      name: names[i]!,
      before: shapes[i]!,
      behind: shapes[i + 1]!,
      flattened: images[i],
    }),
  );
  return classifierOf(sequence(...made));
}
