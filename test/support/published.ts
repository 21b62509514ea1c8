/** The published robust networks for MNIST (Wong and Kolter 2018), as networks of ours. */
import { classifierSchema } from '../../schemas/network-config.ts';
import { makeClassifier } from '../../stages/numerics/networks/registry.ts';
import { readTensors } from '../../store/tensor-file.ts';
import type { tf } from './engine.ts';
import { referenceDirectory } from './reference.ts';
import { valuesOf } from './torch-tensors.ts';

/** Two convolutions of even kernels, and two dense layers behind a flatten in PyTorch's order. */
const CONFIG = classifierSchema.parse({
  kind: 'cnn',
  layers: [
    { kind: 'conv', channels: 16, kernel: 4, stride: 2, padding: 1 },
    'relu',
    { kind: 'conv', channels: 32, kernel: 4, stride: 2, padding: 1 },
    'relu',
    'flatten',
    { kind: 'dense', units: 100 },
    'relu',
    'dense',
  ],
});

export type PublishedName = 'mnist_small_0_3' | 'mnist_wong_kolter_0_1';

/** @returns x [batch, 28, 28, 1] in [0, 1] -> logits [batch, 10] */
export async function loadPublished(name: PublishedName): Promise<(x: tf.Tensor) => tf.Tensor2D> {
  const network = makeClassifier(CONFIG, [28, 28, 1], 10);
  const { tensors } = await readTensors(`${referenceDirectory}/networks/${name}.safetensors`);
  const values = valuesOf(network.parameters, tensors);
  return (x) => network.logits(values, x);
}
