/**
 * Attacks images with AutoAttack as a worker of the pipeline does: `npx tsx bench/attack/ours.ts --model DIR --images FILE
 * --eps 0.3 --worker 0 --workers 2`. It takes every `workers`-th chunk. With `--oracle` it only measures what asking the
 * classifier costs. Says `ready`, waits for a line, and prints one line of JSON.
 */
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { registerEngine } from '../../pipeline/engine/register.ts';
import { type AttackEntry, attackSchema, type PartName } from '../../schemas/attack-config.ts';
import { sizeOf } from '../../schemas/shape.ts';
import { type AttackWork, attackChunk, chunkSize, chunksOf } from '../../stages/attack/chunk.ts';
import type { PartOutcome } from '../../stages/attack/outcome.ts';
import { namedSettings } from '../../stages/attack/settings.ts';
import type { Victim } from '../../stages/attack/victim.ts';
import type { LossName } from '../../stages/numerics/attacks/attack.ts';
import { makeOracle, type Oracle } from '../../stages/numerics/attacks/oracle.ts';
import { registerGradients } from '../../stages/numerics/gradients/register.ts';
import { readClassifier } from '../../stages/numerics/networks/trained-classifier.ts';
import { loadParameters } from '../../stages/numerics/tensor/parameters.ts';
import { readTensors } from '../../store/tensor-file.ts';
import { medianOf } from '../processes.ts';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    images: { type: 'string' },
    norm: { type: 'string', default: 'Linf' },
    eps: { type: 'string', default: '0.3' },
    attacks: { type: 'string', default: 'apgd-ce,apgd-t,fab-t,square' },
    steps: { type: 'string' },
    'square-queries': { type: 'string' },
    batch: { type: 'string' },
    worker: { type: 'string', default: '0' },
    workers: { type: 'string', default: '1' },
    oracle: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '3' },
  },
});

const [worker, workers] = [Number(options.worker), Number(options.workers)];

/** One entry of `attack.attacks` that is `standard`, unless fewer steps or queries are asked for. */
const config = attackSchema.parse({
  attacks: [
    {
      method: 'auto-attack',
      norm: options.norm,
      eps: [Number(options.eps)],
      version: 'custom',
      attacks: options.attacks.split(','),
      restarts: 1,
      ...(options.steps && { steps: Number(options.steps) }),
      ...(options['square-queries'] && { queries: Number(options['square-queries']) }),
    } satisfies Partial<Record<keyof AttackEntry, unknown>>,
  ],
  ...(options.batch && { batchSize: Number(options.batch) }),
});

async function openVictim(): Promise<Victim> {
  const { model, network, layout, weights } = await readClassifier(options.model!);
  const { tensors } = await readTensors(options.images!);
  const pixels = tensors.images!.data as Float32Array;
  const labels = Uint16Array.from(tensors.labels!.data);
  const size = sizeOf(model.shape);
  const parameters = loadParameters(layout, weights.flat);
  const logitsOf: Victim['logitsOf'] = (x) => network.logits(parameters, x);
  return {
    model,
    fingerprint: '',
    logitsOf,
    oracle: makeOracle(logitsOf, model.shape, model.classNames.length),
    dataset: { info: { shape: model.shape, box: [0, 1] }, size } as unknown as Victim['dataset'],
    images: {
      count: labels.length,
      indices: [...labels.keys()],
      labels,
      at: (position) => pixels.slice(position * size, (position + 1) * size),
    },
    common: null,
    seed: 0,
    batchSize: config.batchSize,
    noise: undefined,
  };
}

/** Waits for the line that lets all programs begin together. */
async function waitForGo(): Promise<void> {
  process.stdout.write('ready\n');
  const input = createInterface(process.stdin);
  await input[Symbol.asyncIterator]().next();
  input.close();
}

/** Attacks this worker's chunks. Of each attack the seconds, the images that still stand afterwards, and the queries. */
async function attackImages(victim: Victim) {
  const settings = namedSettings(config);
  const names = settings[0]!.parts.map(({ method }) => method as PartName);
  const attacks = names.map((name) => ({ name, seconds: 0, standing: 0, queries: 0, gradients: 0 }));
  let [clean, mark] = [0, performance.now()];
  const folder: Partial<AttackWork['folder']> = {
    read: () => null,
    async write({ part }, outcome: PartOutcome) {
      const now = performance.now();
      const attack = attacks[part]!;
      const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
      if (part === 0) clean += outcome.positions.length;
      attack.seconds += (now - mark) / 1000;
      attack.standing += outcome.broken.filter((isBroken) => !isBroken).length;
      attack.queries += sum(outcome.queries);
      attack.gradients += sum(outcome.gradients);
      mark = now;
    },
  };
  const work = { victim, settings, surrogates: [null], folder, keepsPoints: false } as unknown as AttackWork;
  const chunkImages = chunkSize(victim.images.count, workers);
  const begin = performance.now();
  for (const chunk of chunksOf(victim.images.count, chunkImages)) {
    if (chunk.number % workers === worker) await attackChunk(work, chunk, async () => {});
  }
  return { seconds: (performance.now() - begin) / 1000, clean, attacks };
}

/** Microseconds of this process for one image: logits alone, and a loss with its gradient. */
function measureOracle(oracle: Oracle, victim: Victim) {
  const time = (loss: LossName | null): number => {
    const questions = Array.from({ length: config.batchSize }, (_, i) => ({
      query: { x: victim.images.at(i % victim.images.count), loss },
      label: victim.images.labels[i % victim.images.count]!,
    }));
    oracle.ask(questions);
    const taken: number[] = [];
    const end = performance.now() + 500 * Number(options.seconds);
    while (performance.now() < end || taken.length < 3) {
      const begin = performance.now();
      oracle.ask(questions);
      taken.push(performance.now() - begin);
    }
    return (medianOf(taken) * 1000) / questions.length;
  };
  return { forwardUs: time(null), gradientUs: time('ce') };
}

await registerEngine();
registerGradients();
const victim = await openVictim();
await waitForGo();
const result = options.oracle ? measureOracle(victim.oracle, victim) : await attackImages(victim);
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
