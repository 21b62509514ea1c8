/**
 * What bounds any program on this machine: `npx tsx bench/train-step/limit.ts --threads 2` prints the rate of a large
 * matrix product, and the operations of one forward pass of each network.
 */
import { parseArgs } from 'node:util';
import { registerEngine } from '../../pipeline/engine/register.ts';
import { sizeOf } from '../../schemas/shape.ts';
import { registerGradients } from '../../stages/numerics/gradients/register.ts';
import { makeClassifier } from '../../stages/numerics/networks/registry.ts';
import { initializeParameters, loadParameters } from '../../stages/numerics/tensor/parameters.ts';
import { randomStream } from '../../stages/numerics/tensor/random.ts';
import { tf } from '../../stages/numerics/tensor/tf.ts';
import { CLASSES, NETWORKS, SHAPE } from './case.ts';

const SIDE = 2048;
const REPEATS = 15;

/** Floating-point operations per second of a product of two 2048 × 2048 matrices. */
function matrixProductRate(): number {
  const [a, b] = [tf.randomUniform([SIDE, SIDE]), tf.randomUniform([SIDE, SIDE])] as [
    tf.Tensor2D,
    tf.Tensor2D,
  ];
  const seconds = Array.from({ length: REPEATS }, () => {
    const beginMs = performance.now();
    const product = tf.matMul(a, b);
    product.dataSync();
    product.dispose();
    return (performance.now() - beginMs) / 1000;
  });
  // What else the machine does only makes a run longer.
  return (2 * SIDE ** 3) / Math.min(...seconds);
}

/** Operations of one image's forward pass: two for each multiplication in convolutions and matrix products. */
async function forwardOperations(name: string): Promise<number> {
  const { parameters, buffers, logits } = makeClassifier(NETWORKS[name]!, SHAPE, CLASSES);
  const layout = [...parameters, ...buffers];
  const values = loadParameters(layout, initializeParameters(layout, randomStream(0, 'bench-limit')));
  const { kernels } = await tf.profile(() => logits(values, tf.zeros([1, ...SHAPE])));
  const operations = kernels.map(({ name: kernel, inputShapes, outputShapes }) => {
    const [left, right] = inputShapes as number[][];
    const output = outputShapes[0] as number[];
    if (kernel === 'Conv2D') return (2 * sizeOf(output) * sizeOf(right!)) / right!.at(-1)!;
    if (kernel === 'BatchMatMul') return 2 * sizeOf(left!) * output.at(-1)!;
    return 0;
  });
  return operations.reduce((sum, count) => sum + count, 0);
}

const { values: options } = parseArgs({ options: { threads: { type: 'string', default: '1' } } });
await registerEngine({ threads: Number(options.threads) });
registerGradients();
const forward: Record<string, number> = {};
for (const name of Object.keys(NETWORKS)) forward[name] = await forwardOperations(name);
process.stdout.write(`${JSON.stringify({ rate: matrixProductRate(), forward })}\n`);
