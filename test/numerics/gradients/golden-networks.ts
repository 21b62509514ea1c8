/** The networks of the golden files, written out from their descriptions. */
import { batchNormEval, batchNormTrain } from '../../../stages/numerics/gradients/batch-norm.ts';
import type { gelu, geluTanh } from '../../../stages/numerics/gradients/gelu.ts';
import { groupNorm } from '../../../stages/numerics/gradients/group-norm.ts';
import { layerNorm } from '../../../stages/numerics/gradients/layer-norm.ts';
import { silu } from '../../../stages/numerics/gradients/silu.ts';
import { tf } from '../../../stages/numerics/tensor/tf.ts';
import type { GoldenNetwork, Weights } from './golden.ts';

const BATCH_NORM_EPSILON = 1e-5;

const vector = (weights: Weights, name: string) => weights[name] as tf.Tensor1D;

/** x [..., in] by a weight [out, in] and a bias. */
function linear(w: Weights, name: string, x: tf.Tensor): tf.Tensor {
  const weight = w[`${name}.weight`]!;
  const rows = tf.matMul(tf.reshape(x, [-1, weight.shape[1]!]), weight as tf.Tensor2D, false, true);
  return tf.reshape(tf.add(rows, w[`${name}.bias`]!), [...x.shape.slice(0, -1), weight.shape[0]!]);
}

/** Convolution with PyTorch's padding (kernel - 1) / 2, the same on both sides. */
function convolve(w: Weights, name: string, x: tf.Tensor, stride = 1): tf.Tensor4D {
  const filter = w[`${name}.weight`] as tf.Tensor4D;
  const edge = (filter.shape[0] - 1) / 2;
  const y = tf.conv2d(x as tf.Tensor4D, filter, stride, [
    [0, 0],
    [edge, edge],
    [edge, edge],
    [0, 0],
  ]);
  const bias = w[`${name}.bias`];
  return bias ? tf.add(y, bias) : y;
}

export const mlp: GoldenNetwork = (w, x) =>
  linear(w, 'fc2', tf.relu(linear(w, 'fc1', tf.reshape(x, [x.shape[0]!, -1])))) as tf.Tensor2D;

/** Statistics of the batch by the name of the norm: [mean, unbiased variance]. */
export type BatchStatistics = Record<string, [tf.Tensor, tf.Tensor]>;

/** ResNet-18 for small images. @param statistics filled in training mode; null for evaluation */
export const resnet18 =
  (statistics: BatchStatistics | null): GoldenNetwork =>
  (w, image) => {
    const norm = (name: string, x: tf.Tensor4D) => {
      const [gamma, beta] = [vector(w, `${name}.weight`), vector(w, `${name}.bias`)];
      if (!statistics) {
        const [mean, variance] = [vector(w, `${name}.running_mean`), vector(w, `${name}.running_var`)];
        return batchNormEval(x, mean, variance, gamma, beta, BATCH_NORM_EPSILON);
      }
      const { y, mean, variance } = batchNormTrain(x, gamma, beta, BATCH_NORM_EPSILON);
      statistics[name] = [mean, variance];
      return y;
    };
    const block = (name: string, x: tf.Tensor4D, stride: number) => {
      const inner = tf.relu(norm(`${name}.bn1`, convolve(w, `${name}.conv1`, x, stride)));
      const outer = norm(`${name}.bn2`, convolve(w, `${name}.conv2`, inner));
      const shortcut = w[`${name}.shortcut.0.weight`]
        ? norm(`${name}.shortcut.1`, convolve(w, `${name}.shortcut.0`, x, stride))
        : x;
      return tf.relu(tf.add(outer, shortcut)) as tf.Tensor4D;
    };
    let x = tf.relu(norm('bn1', convolve(w, 'conv1', image)));
    for (const layer of [1, 2, 3, 4]) {
      x = block(`layer${layer}.0`, x, layer === 1 ? 1 : 2);
      x = block(`layer${layer}.1`, x, 1);
    }
    return linear(w, 'linear', tf.mean(x, [1, 2])) as tf.Tensor2D;
  };

/** Self-attention of rows [batch, n, c], where qkv holds all of q, then all of k, then all of v. */
function attend(qkv: tf.Tensor, heads: number): tf.Tensor {
  const [batch, n, width] = qkv.shape as [number, number, number];
  const depth = width / 3 / heads;
  const split = tf.transpose(tf.reshape(qkv, [batch, n, 3, heads, depth]), [2, 0, 3, 1, 4]);
  const [q, k, v] = tf.unstack(split) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const weights = tf.softmax(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(depth)));
  return tf.reshape(tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]), [batch, n, heads * depth]);
}

/** Vision transformer: patches of 4, a class token in front, four pre-norm blocks. */
export const vit =
  (activation: typeof gelu | typeof geluTanh): GoldenNetwork =>
  (w, x) => {
    const norm = (name: string, t: tf.Tensor) =>
      layerNorm(t, vector(w, `${name}.weight`), vector(w, `${name}.bias`), 1e-6);
    const patches = tf.add(
      tf.conv2d(x as tf.Tensor4D, w['patch.weight'] as tf.Tensor4D, 4, 'valid'),
      w['patch.bias']!,
    );
    const batch = x.shape[0]!;
    const token = tf.tile(w.cls!, [batch, 1, 1]);
    let rows = tf.add(tf.concat([token, tf.reshape(patches, [batch, 64, 64])], 1), w.pos!);
    for (const index of [0, 1, 2, 3]) {
      const name = `blocks.${index}`;
      const attended = attend(linear(w, `${name}.qkv`, norm(`${name}.norm1`, rows)), 4);
      rows = tf.add(rows, linear(w, `${name}.proj`, attended));
      const hidden = activation(linear(w, `${name}.fc1`, norm(`${name}.norm2`, rows)));
      rows = tf.add(rows, linear(w, `${name}.fc2`, hidden));
    }
    const first = tf.reshape(tf.slice(norm('norm', rows), [0, 0, 0], [-1, 1, -1]), [batch, 64]);
    return linear(w, 'head', first) as tf.Tensor2D;
  };

/** A small U-Net with time embedding, group norm, self-attention and a mean over space at its end. */
export const unet: GoldenNetwork = (w, image, inputs) => {
  const norm = (name: string, x: tf.Tensor) =>
    groupNorm(x as tf.Tensor4D, vector(w, `${name}.weight`), vector(w, `${name}.bias`), 4, 1e-5);
  const frequencies = tf.exp(tf.mul(tf.range(0, 8), -Math.log(1e4) / 7));
  const angles = tf.mul(tf.expandDims(inputs.t!, 1), frequencies);
  const sines = tf.concat([tf.sin(angles), tf.cos(angles)], 1);
  const time = linear(w, 'time2', silu(linear(w, 'time1', sines)));
  const block = (name: string, x: tf.Tensor): tf.Tensor4D => {
    const shift = tf.expandDims(tf.expandDims(linear(w, `${name}.emb`, silu(time)), 1), 1);
    const inner = tf.add(convolve(w, `${name}.conv1`, silu(norm(`${name}.norm1`, x))), shift);
    const outer = convolve(w, `${name}.conv2`, silu(norm(`${name}.norm2`, inner)));
    return tf.add(outer, w[`${name}.skip.weight`] ? convolve(w, `${name}.skip`, x) : x) as tf.Tensor4D;
  };
  const attention = (x: tf.Tensor4D): tf.Tensor4D => {
    const [batch, height, width, channels] = x.shape;
    const qkv = tf.reshape(convolve(w, 'attn.qkv', norm('attn.norm', x)), [
      batch,
      height * width,
      3 * channels,
    ]);
    return tf.add(x, convolve(w, 'attn.proj', tf.reshape(attend(qkv, 2), x.shape))) as tf.Tensor4D;
  };
  const fine = block('down1', convolve(w, 'conv_in', image));
  const coarse = block('mid', attention(block('down2', tf.avgPool(fine, 2, 2, 'valid'))));
  const up = convolve(w, 'up', tf.image.resizeNearestNeighbor(coarse, [32, 32]));
  const joined = block('up1', tf.concat([up, fine], 3));
  return tf.mean(convolve(w, 'conv_out', silu(norm('norm_out', joined))), [1, 2]) as tf.Tensor2D;
};
