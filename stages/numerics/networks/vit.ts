/**
 * Vision transformer (Dosovitskiy et al. 2021): patches as tokens, a class token in front, learned positions, blocks
 * of self-attention and MLP with the norm first. Weights, class token and positions start as in Hugging Face's ViT:
 * normal with deviation 0.02, truncated at ±2 (a hundred deviations, so never), and biases at 0.
 */
import type { ClassifierConfig } from '../../../schemas/network-config.ts';
import type { Initializer, ParameterSpec, Parameters } from '../tensor/parameters.ts';
import { tf } from '../tensor/tf.ts';
import { activation } from './blocks/activations.ts';
import { convolution } from './blocks/convolution.ts';
import { denseLayer } from './blocks/dense.ts';
import { drop } from './blocks/dropout.ts';
import { holding, type Layer } from './blocks/layer.ts';
import { layerNorm } from './blocks/layer-norm.ts';
import { attend } from './blocks/multi-head-attention.ts';
import type { Classifier, TrainingPass } from './network.ts';

type VitConfig = Extract<ClassifierConfig, { kind: 'vit' }>;

const EPSILON = 1e-6;
const NORMAL: Initializer = { kind: 'normal', deviation: 0.02 };
const START = { weight: NORMAL, bias: { kind: 'constant', value: 0 } } as const;

/** Tokens of a batch: [batch, tokens, width]. */
type Tokens = tf.Tensor3D;

/** A layer for rows, applied to every token. */
function onTokens(layer: Layer, values: Parameters, x: Tokens): Tokens {
  const [batch, tokens, width] = x.shape;
  return tf.reshape(layer.apply(values, tf.reshape(x, [batch * tokens, width])), [batch, tokens, -1]);
}

/** The class token of each image, [batch, 1, width]. */
const classToken = (x: Tokens): Tokens => tf.slice(x, [0, 0, 0], [-1, 1, -1]);

/** One block. Without `all`, only the class token goes on: behind the last block nothing else is read. */
function block(name: string, config: VitConfig, all: boolean) {
  const { width, heads, mlp, dropout: rate } = config;
  const norm1 = layerNorm(`${name}.norm1`, width, EPSILON);
  const qkv = denseLayer(`${name}.qkv`, width, 3 * width, { start: START });
  const proj = denseLayer(`${name}.proj`, width, width, { start: START });
  const norm2 = layerNorm(`${name}.norm2`, width, EPSILON);
  const fc1 = denseLayer(`${name}.fc1`, width, mlp, { start: START });
  const fc2 = denseLayer(`${name}.fc2`, mlp, width, { start: START });
  const act = activation({ kind: config.activation });
  return {
    ...holding(norm1, qkv, proj, norm2, fc1, fc2),
    apply(values: Parameters, x: Tokens, training?: TrainingPass): Tokens {
      const on = (layer: Layer, h: Tokens) => onTokens(layer, values, h);
      const [query, key, value] = tf.split(on(qkv, on(norm1, x)), 3, 2) as [Tokens, Tokens, Tokens];
      const asking = all ? query : classToken(query);
      const kept = all ? x : classToken(x);
      const mixed = on(proj, attend(asking, key, value, heads));
      const h = tf.add(kept, drop(mixed, rate, training)) as Tokens;
      const hidden = drop(on(act, on(fc1, on(norm2, h))), rate, training);
      return tf.add(h, drop(on(fc2, hidden), rate, training));
    },
  };
}

/** @param shape [height, width, channels] of an image that the patches fit (`networkMisfit`) */
export function makeVit(config: VitConfig, shape: readonly number[], classes: number): Classifier {
  const [rows, columns, channels] = shape as [number, number, number];
  const { patch: side, width, depth, dropout: rate } = config;
  const tokens = 1 + (rows / side) * (columns / side);
  const patch = convolution('patch', channels, width, {
    kernel: side,
    stride: side,
    padding: 0,
    start: START,
  });
  const blocks = Array.from({ length: depth }, (_, i) => block(`blocks.${i}`, config, i < depth - 1));
  const norm = layerNorm('norm', width, EPSILON);
  const head = denseLayer('head', width, classes, { start: START });
  const tables: ParameterSpec[] = [
    { name: 'cls', shape: [1, 1, width], initializer: NORMAL },
    { name: 'pos', shape: [1, tokens, width], initializer: NORMAL },
  ];
  return {
    ...holding({ parameters: tables, buffers: [] }, patch, ...blocks, norm, head),
    logits(values, x, training) {
      const patches = tf.reshape(patch.apply(values, x), [-1, tokens - 1, width]);
      const front = tf.tile(values.cls!, [x.shape[0]!, 1, 1]);
      const placed = tf.add(tf.concat([front, patches], 1), values.pos!) as Tokens;
      const seen = blocks.reduce((h, next) => next.apply(values, h, training), drop(placed, rate, training));
      const answer = tf.reshape(seen, [-1, width]);
      return head.apply(values, norm.apply(values, answer)) as tf.Tensor2D;
    },
  };
}
