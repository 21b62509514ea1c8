/**
 * The U-Net of the golden file: a classifier by the mean of its output image, with one skip connection and two heads,
 * which the score network cannot be asked for. It is put together here from the same blocks.
 */
import { silu } from '../../../stages/numerics/gradients/silu.ts';
import { convolve } from '../../../stages/numerics/networks/blocks/convolution.ts';
import { dense } from '../../../stages/numerics/networks/blocks/dense.ts';
import { normalizeGroups } from '../../../stages/numerics/networks/blocks/group-norm.ts';
import { attend } from '../../../stages/numerics/networks/blocks/multi-head-attention.ts';
import { residual } from '../../../stages/numerics/networks/blocks/residual.ts';
import type { Classifier } from '../../../stages/numerics/networks/network.ts';
import type { ParameterSpec, Parameters } from '../../../stages/numerics/tensor/parameters.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';
import type { Tensor } from '../../../store/tensor-file.ts';
import { convolutionLayout, denseLayout } from '../../../store/torch-layout.ts';
import { plain } from '../../support/torch-tensors.ts';
import type { Golden } from './golden.ts';

const GROUPS = 4;
const HEADS = 2;
const FREQUENCIES = 8;

/** Convolutions have four axes, dense layers two. */
function specOf(name: string, { shape }: Tensor): ParameterSpec {
  const initializer = { kind: 'constant', value: 0 } as const;
  const ours = shape.length === 4 ? [2, 3, 1, 0].map((axis) => shape[axis]!) : [...shape].reverse();
  if (shape.length === 1) return { name, shape, initializer };
  const torch = shape.length === 4 ? convolutionLayout(ours) : denseLayout(ours[0]!, ours[1]!);
  return { name, shape: ours, initializer, torch };
}

function attention(values: Parameters, x: tf.Tensor4D): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const qkv = convolve(values, 'attn.qkv', normalizeGroups(values, 'attn.norm', x, GROUPS));
  const rows = tf.reshape(qkv, [batch, height * width, 3 * channels]);
  const [query, key, value] = tf.split(rows, 3, 2) as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
  const mixed = tf.reshape(attend(query, key, value, HEADS), x.shape);
  return tf.add(x, convolve(values, 'attn.proj', mixed));
}

export function goldenUnet(golden: Golden): Classifier {
  return {
    parameters: Object.entries(golden.w!).map(([name, tensor]) => specOf(name, tensor)),
    buffers: [],
    logits(values, image) {
      const rates = tf.exp(tf.mul(tf.range(0, FREQUENCIES), -Math.log(1e4) / (FREQUENCIES - 1)));
      const angles = tf.mul(tf.expandDims(plain(golden.in!.t!), 1), rates);
      const sines = tf.concat([tf.sin(angles), tf.cos(angles)], 1);
      const emb = silu(dense(values, 'time2', silu(dense(values, 'time1', sines))));
      const block = (name: string, x: tf.Tensor) =>
        residual(values, name, x, emb, { groups: GROUPS, dropout: 0 });
      const fine = block('down1', convolve(values, 'conv_in', image));
      const half = block('down2', tf.avgPool(fine, 2, 2, 'valid'));
      const coarse = block('mid', attention(values, half));
      const up = convolve(values, 'up', tf.image.resizeNearestNeighbor(coarse, [32, 32]));
      const joined = block('up1', tf.concat([up, fine], 3));
      const out = convolve(values, 'conv_out', silu(normalizeGroups(values, 'norm_out', joined, GROUPS)));
      return tf.mean(out, [1, 2]) as tf.Tensor2D;
    },
  };
}
