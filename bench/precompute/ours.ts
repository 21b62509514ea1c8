/**
 * Times our score-based targets on a case, as a worker of the pipeline computes them:
 * `npx tsx bench/precompute/ours.ts --case FILE --network NAME --batch 64 --seconds 8 --check FILE`. Writes the targets of
 * the first images to the file of `--check`, says `ready`, waits for a line, and prints one line of JSON.
 */
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { registerEngine } from '../../pipeline/engine/register.ts';
import { makePreconditioning } from '../../stages/numerics/diffusion/preconditioning/registry.ts';
import { registerGradients } from '../../stages/numerics/gradients/register.ts';
import { compiled } from '../../stages/numerics/networks/compiled.ts';
import { makeScoreNetwork } from '../../stages/numerics/networks/registry.ts';
import { loadParameters } from '../../stages/numerics/tensor/parameters.ts';
import { learnedScore } from '../../stages/precompute/score-based.ts';
import type { TargetMaker } from '../../stages/precompute/target-maker.ts';
import type { Dataset } from '../../store/dataset-artifact.ts';
import { fromStateDict } from '../../store/model-files.ts';
import { readTensors, writeTensors } from '../../store/tensor-file.ts';
import { CHECKED, CLASSES, IMAGES, MODEL_PREFIX, NETWORKS, SCALE, SEED, SIGMA, SIGMA_DATA } from './case.ts';

const { values: options } = parseArgs({
  options: {
    case: { type: 'string' },
    network: { type: 'string' },
    threads: { type: 'string', default: '1' },
    batch: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '8' },
    check: { type: 'string' },
  },
});

/** The images of the case as a data set, as far as targets need one. */
function datasetOf(images: Float32Array, shape: number[]): Dataset {
  const size = images.length / IMAGES;
  const train = {
    slice: (first: number, count: number) => images.slice(first * size, (first + count) * size),
  };
  return { info: { shape }, size, train } as unknown as Dataset;
}

function compute(maker: TargetMaker, count: number, onImage: (done: number) => Promise<void>) {
  const classes = Uint16Array.from({ length: count * CLASSES }, (_, row) => row % CLASSES);
  return maker.compute({ first: 0, count, classes, onImage });
}

/** Gradients per second, after one batch that is not counted. */
async function measure(maker: TargetMaker, seconds: number): Promise<number> {
  let [before, startMs, nowMs, startImages, images] = [0, 0, 0, 0, 0];
  const isOver = () => startMs > 0 && nowMs - startMs > 1000 * seconds;
  const over = new Error('measured');
  while (!isOver()) {
    const work = compute(maker, IMAGES, async (done) => {
      nowMs = performance.now();
      images = before + done;
      if (startMs === 0) [startMs, startImages] = [nowMs, images];
      if (isOver()) throw over;
    });
    await work.catch((error: unknown) => {
      if (error !== over) throw error;
    });
    before += IMAGES;
  }
  return ((images - startImages) * CLASSES * 1000) / (nowMs - startMs);
}

await registerEngine({ threads: Number(options.threads) });
registerGradients();
const { config, shape } = NETWORKS[options.network!]!;
const { tensors } = await readTensors(options.case!);
const network = makeScoreNetwork(config, shape, CLASSES);
const named = Object.entries(tensors).map(
  ([name, tensor]) => [name.slice(MODEL_PREFIX.length), tensor] as const,
);
const { flat } = fromStateDict(network.parameters, Object.fromEntries(named), options.case!);
const parameters = loadParameters(network.parameters, flat);
const model = {
  network: compiled(network, parameters),
  parameters,
  scale: SCALE,
  preconditioning: makePreconditioning({ kind: 'edm', sigmaData: SIGMA_DATA }),
  classes: CLASSES,
};
const maker = learnedScore(datasetOf(tensors.images!.data as Float32Array, shape), {
  conditional: model,
  unconditional: model,
  target: { sigmas: [SIGMA], draws: 1, seed: SEED, combine: 'variance', guidance: 'difference' },
  batchSize: Number(options.batch),
});
const checked = await compute(maker, CHECKED, async () => {});
await writeTensors(options.check!, { targets: { shape: [CHECKED, CLASSES, ...shape], data: checked } });
process.stdout.write('ready\n');
const input = createInterface(process.stdin);
await input[Symbol.asyncIterator]().next();
input.close();
const gradientsPerSec = await measure(maker, Number(options.seconds));
const peakBytes = process.resourceUsage().maxRSS * 1024;
process.stdout.write(`${JSON.stringify({ gradientsPerSec, peakBytes })}\n`);
process.exit(0);
