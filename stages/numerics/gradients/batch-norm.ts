/**
 * Batch normalization of NHWC images over batch and space, by TensorFlow's fused kernels and with its second
 * derivative by hand: half the time of the same thing written with moments, where the gradient is differentiated.
 *
 * Per channel, with N values, mean m, r = 1/√(var + ε), x̂ = (x - m) r and mean() over the N values:
 *   y  = γ x̂ + β
 *   dx = γ r (dy - mean(dy) - x̂ mean(dy x̂))
 * and for a cotangent v of dx, with a = mean(v x̂), b = mean(dy x̂), c = mean(v dy):
 *   by dy: γ r (v - mean(v) - a x̂), the same map, which is self-adjoint
 *   by x:  -γ r² [b v + a dy - (b mean(v) + a mean(dy)) + x̂ (c - mean(v) mean(dy) - 3 a b)]
 *   by γ:  N r (c - mean(v) mean(dy) - a b)
 */
import { FLOAT32, runKernel } from '../tensor/kernel.ts';
import { tf } from '../tensor/tf.ts';
import { apart, copiesIn, together } from './copies.ts';
import { defineOp, type Op } from './define-op.ts';

interface Epsilon {
  epsilon: number;
}

/** Statistics of the forward pass, per channel: constants for the tape. The variance is biased. */
interface GradientAttributes extends Epsilon {
  mean: tf.Tensor;
  variance: tf.Tensor;
}

const kernelAttributes = (epsilon: number, training: boolean) => ({
  T: FLOAT32,
  U: FLOAT32,
  epsilon: { float: epsilon },
  data_format: 'NHWC',
  is_training: training,
});

const valuesPerChannel = (x: tf.Tensor) => x.size / x.shape[3]!;
/** In two stages, which is faster than one, and keeps two digits more: no long sum in float32. */
const channelMean = (t: tf.Tensor) => tf.mean(tf.mean(t, [1, 2]), 0);
/** {@link channelMean} of each copy, [copies, c]. */
const meansOfCopies = (t: tf.Tensor, [n, h, w, c]: readonly number[]) =>
  tf.mean(tf.mean(tf.reshape(t, [-1, n!, h! * w!, c!]), 2), 1);

/** Σ over copies of weight · copy, as a depthwise convolution over them: one pass. weights: [copies, c]. */
function weightedSum(t: tf.Tensor, weights: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const [copies, c] = weights.shape as [number, number];
  if (copies === 1) return tf.mul(t, weights);
  const image = tf.reshape(t, [1, copies, -1, c]) as tf.Tensor4D;
  const filter = tf.reshape(weights, [copies, 1, c, 1]) as tf.Tensor4D;
  return tf.reshape(tf.depthwiseConv2d(image, filter, 1, 'valid'), [...shape]);
}

/** m and r as functions of x on the tape, for derivatives beyond the second. */
function differentiableStatistics(x: tf.Tensor, epsilon: number) {
  const mean = channelMean(x);
  return { mean, r: tf.rsqrt(tf.add(channelMean(tf.squaredDifference(x, mean)), epsilon)) };
}

/** What the gradient kernel wants of the forward pass: cuDNN 1/√(var + ε), the CPU the variance. */
function reserves({ mean, variance, epsilon }: GradientAttributes): tf.Tensor[] {
  const onGpu = (tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
  return [mean, onGpu ? tf.rsqrt(tf.add(variance, epsilon)) : variance, tf.tensor1d([], 'float32')];
}

/**
 * dx, and as constants N mean(dy x̂) and N mean(dy), [copies, c] each: what FusedBatchNormGradV3 yields. dy may hold
 * several copies of the batch, each with its own means.
 */
const inputGradient: Op<'dy' | 'x' | 'gamma', GradientAttributes> = defineOp({
  name: 'BatchNormInputGradient',
  inputs: ['dy', 'x', 'gamma'],
  outputCount: 3,
  forward: ({ dy, x, gamma }, attrs) => {
    const rest = [x, gamma, ...reserves(attrs)];
    const attributes = kernelAttributes(attrs.epsilon, true);
    const copies = copiesIn(dy, x.shape);
    const parts = (copies === 1 ? [dy] : tf.split(dy, copies)).map((part) =>
      runKernel('FusedBatchNormGradV3', attributes, [part, ...rest], 5),
    );
    const output = (i: number) => parts.map((part) => part[i]!);
    return [copies === 1 ? parts[0]![0]! : tf.concat(output(0)), tf.stack(output(1)), tf.stack(output(2))];
  },
  gradient: ([v], { inputs: { dy, x, gamma }, outputs: [, dyDotXhat, dySum] }, attrs) => {
    const n = valuesPerChannel(x);
    const [byDy, vDotXhat, vSum] = inputGradient.run({ dy: v!, x, gamma }, attrs);
    const onTape = tf.engine().isTapeOn();
    const known = { mean: attrs.mean, r: tf.rsqrt(tf.add(attrs.variance, attrs.epsilon)) };
    const { mean, r } = onTape ? differentiableStatistics(x, attrs.epsilon) : known;
    const means = (t: tf.Tensor) => meansOfCopies(t, x.shape);
    const meansTimesXhat = (t: tf.Tensor) =>
      means(together(tf.mul(apart(t, x.shape), tf.mul(tf.sub(x, mean), r)), x.shape));
    const a = onTape ? meansTimesXhat(v!) : tf.div(vDotXhat!, n);
    const b = onTape ? meansTimesXhat(dy) : tf.div(dyDotXhat!, n);
    const vMean = onTape ? means(v!) : tf.div(vSum!, n);
    const dyMean = onTape ? means(dy) : tf.div(dySum!, n);
    const covariance = tf.sub(means(tf.mul(v!, dy)), tf.mul(vMean, dyMean));
    const ab = tf.mul(a, b);
    return {
      dy: () => byDy!,
      x: () => {
        const scale = tf.neg(tf.mul(gamma, tf.square(r)));
        const ofX = tf.mul(tf.sub(covariance, tf.mul(ab, 3)), r);
        const offset = tf.add(tf.add(tf.mul(b, vMean), tf.mul(a, dyMean)), tf.mul(ofX, mean));
        const total = (perCopy: tf.Tensor) => tf.sum(tf.mul(scale, perCopy), 0);
        return tf.addN([
          weightedSum(v!, tf.mul(scale, b), x.shape),
          weightedSum(dy, tf.mul(scale, a), x.shape),
          tf.sub(tf.mul(x, total(ofX)), total(offset)),
        ]);
      },
      gamma: () => tf.mul(tf.mul(r, n), tf.sum(tf.sub(covariance, ab), 0)),
    };
  },
});

/**
 * y, and as constants mean and variance. The training form of FusedBatchNormV3 is faster still, but loses two
 * digits more, which is enough to turn units of a ReLU near 0, and with them input gradients, by percents.
 */
const trainOp = defineOp<'x' | 'gamma' | 'beta', Epsilon>({
  name: 'BatchNormTrain',
  inputs: ['x', 'gamma', 'beta'],
  outputCount: 3,
  forward: ({ x, gamma, beta }, { epsilon }) => {
    const mean = channelMean(x);
    const variance = channelMean(tf.squaredDifference(x, mean));
    const attributes = kernelAttributes(epsilon, false);
    const [y] = runKernel('FusedBatchNormV3', attributes, [x, gamma, beta, mean, variance], 6);
    return [y!, mean, variance];
  },
  gradient: ([dy], { inputs: { x, gamma }, outputs: [, mean, variance] }, { epsilon }) => {
    // One kernel yields all three. Its sums are constants for the tape, so on a tape they are taken anew.
    const attrs = { epsilon, mean: mean!, variance: variance! };
    const [dx, dGamma, dBeta] = inputGradient.run({ dy: dy!, x, gamma }, attrs);
    const only = (perCopy: tf.Tensor) => tf.reshape(perCopy, gamma.shape);
    if (!tf.engine().isTapeOn()) {
      return { x: () => dx!, gamma: () => only(dGamma!), beta: () => only(dBeta!) };
    }
    return {
      x: () => dx!,
      gamma: () => {
        const known = differentiableStatistics(x, epsilon);
        return tf.sum(tf.mul(dy!, tf.mul(tf.sub(x, known.mean), known.r)), [0, 1, 2]);
      },
      beta: () => tf.sum(dy!, [0, 1, 2]),
    };
  },
});

/** What a training step needs of a batch normalization. */
export interface BatchNormResult {
  y: tf.Tensor4D;
  /** [c], mean over batch and space. A constant: no gradient flows through it. */
  mean: tf.Tensor1D;
  /** [c], unbiased variance (divided by N - 1, or by 1 where N is 1), as PyTorch keeps it for evaluation. A constant. */
  variance: tf.Tensor1D;
}

/**
 * Batch normalization with the statistics of the batch. Ioffe and Szegedy 2015.
 * @param x [batch, height, width, c], more than one value per channel
 * @param gamma [c]
 * @param beta [c]
 * @param epsilon added to the biased variance
 */
export function batchNormTrain(
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  epsilon: number,
): BatchNormResult {
  const [y, mean, variance] = trainOp.run({ x, gamma, beta }, { epsilon });
  const n = valuesPerChannel(x);
  const unbiased = tf.mul(variance!, n / Math.max(n - 1, 1));
  return { y: y as tf.Tensor4D, mean: mean as tf.Tensor1D, variance: unbiased as tf.Tensor1D };
}

/** Batch normalization with given statistics [c]: one scale and one shift per channel. */
export function batchNormEval(
  x: tf.Tensor4D,
  mean: tf.Tensor1D,
  variance: tf.Tensor1D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  epsilon: number,
): tf.Tensor4D {
  const scale = tf.mul(gamma, tf.rsqrt(tf.add(variance, epsilon)));
  return tf.add(tf.mul(x, scale), tf.sub(beta, tf.mul(mean, scale)));
}

export function registerBatchNorm(): void {
  trainOp.register();
  inputGradient.register();
}
