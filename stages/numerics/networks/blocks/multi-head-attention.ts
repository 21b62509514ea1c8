/** Attention with several heads (Vaswani et al. 2017, eq. 1), each on its share of the channels. */
import { softmax } from '../../gradients/softmax.ts';
import { tf } from '../../tensor/tf.ts';

/** [batch, n, width] -> [batch, heads, n, width / heads]. */
function byHead(x: tf.Tensor3D, heads: number): tf.Tensor4D {
  const [batch, n, width] = x.shape;
  return tf.transpose(tf.reshape(x, [batch, n, heads, width / heads]), [0, 2, 1, 3]);
}

/**
 * For each query a mean of the values, weighted by the softmax of query · key / √(width / heads).
 *
 * @param query [batch, n, width]
 * @param key [batch, m, width]
 * @param value [batch, m, width]
 * @returns [batch, n, width], the heads side by side
 */
export function attend(query: tf.Tensor3D, key: tf.Tensor3D, value: tf.Tensor3D, heads: number): tf.Tensor3D {
  // The queries are scaled, which are fewer than the scores.
  const scaled: tf.Tensor3D = tf.mul(query, Math.sqrt(heads / query.shape[2]));
  if (heads === 1) return tf.matMul(softmax(tf.matMul(scaled, key, false, true)), value);
  const scores = tf.matMul(byHead(scaled, heads), byHead(key, heads), false, true);
  const mixed = tf.matMul(softmax(scores), byHead(value, heads));
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), query.shape);
}

/**
 * Self-attention over the positions of an image.
 *
 * @param qkv queries, keys and values side by side, [batch, h, w, 3·c]
 * @returns [batch, h, w, c]
 */
export function selfAttention(qkv: tf.Tensor4D, heads: number): tf.Tensor4D {
  const [, height, width, wide] = qkv.shape;
  const rows = tf.reshape(qkv, [-1, height * width, wide]);
  const [query, key, value] = tf.split(rows, 3, 2) as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
  return tf.reshape(attend(query, key, value, heads), [-1, height, width, wide / 3]);
}
