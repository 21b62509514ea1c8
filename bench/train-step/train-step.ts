/**
 * Our training step beside PyTorch's, alternately, on this machine: `npx tsx bench/train-step/train-step.ts`.
 * For each network and batch size PyTorch first tries memory formats and thread counts; its best goes into the rounds.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { doubtUnlessQuiet, medianOf, runJson, say, tsCommand } from '../processes.ts';
import { findPython, type Python } from '../python.ts';
import { NETWORKS, TARGETS, writeCase } from './case.ts';
import { LAMBDA, LEARNING_RATE, type Measurement, MOMENTUM } from './measure.ts';

const HELP = `npx tsx bench/train-step/train-step.ts [options]

  --networks resnet18,vit      --batches 8,16,32
  --rounds 3                   measurements of each program, alternately
  --steps 3                    steps of each measurement, besides one to warm up
  --threads N                  default: all cores
  --targets-at-once N          ours; default: that of the experiment file
  --peer contiguous:2          PyTorch's memory format and threads; default: the
                               best of both formats with 1 and all threads
  --python PATH                a Python with torch, numpy and safetensors
                               (default: PAG_BENCH_PYTHON, else the cache)
  --install                    fill the cache with pip
`;

/** Both programs compute the same loss, to the rounding of float32 in another order. */
const LOSS_TOLERANCE = 1e-4;
const scriptPath = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const { values: options } = parseArgs({
  options: {
    networks: { type: 'string', default: Object.keys(NETWORKS).join() },
    batches: { type: 'string', default: '8,16,32' },
    rounds: { type: 'string', default: '3' },
    steps: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(availableParallelism()) },
    'targets-at-once': { type: 'string' },
    peer: { type: 'string' },
    python: { type: 'string' },
    install: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

interface Variant {
  format: string;
  threads: string;
}

interface Case {
  name: string;
  batch: number;
  /** What both programs are told. */
  words: string[];
}

function ours({ words }: Case): Measurement {
  const atOnce = options['targets-at-once'];
  return runJson(
    tsCommand(scriptPath('ours.ts'), [
      ...[...words, '--threads', options.threads, '--steps', options.steps],
      ...(atOnce === undefined ? [] : ['--targets-at-once', atOnce]),
    ]),
  );
}

function peer(
  { program, env }: Python,
  { words }: Case,
  { format, threads }: Variant,
  steps: string,
): Measurement {
  const own = [scriptPath('peer.py'), ...words, '--threads', threads, '--steps', steps, '--format', format];
  const shared = ['--lambda', LAMBDA, '--learning-rate', LEARNING_RATE, '--momentum', MOMENTUM].map(String);
  return runJson({ program, words: [...own, ...shared], env });
}

/** PyTorch's fastest way on this case, by one step of each. */
function bestVariant(python: Python, what: Case): Variant {
  if (options.peer !== undefined) {
    const [format, threads] = options.peer.split(':') as [string, string];
    return { format, threads };
  }
  const threadCounts = [...new Set(['1', options.threads])];
  const variants = ['contiguous', 'channels_last'].flatMap((format) =>
    threadCounts.map((threads) => ({ format, threads })),
  );
  const tried = variants.map((variant) => {
    const { pairsPerSec } = peer(python, what, variant, '1');
    say(`  PyTorch ${variant.format}, threads ${variant.threads}: ${pairsPerSec.toFixed(1)} pairs/s`);
    return { variant, pairsPerSec };
  });
  return tried.reduce((a, b) => (b.pairsPerSec > a.pairsPerSec ? b : a)).variant;
}

function requireSameLoss(
  { name, batch }: Case,
  { firstLoss: a }: Measurement,
  { firstLoss: b }: Measurement,
): void {
  if (Math.abs(a - b) <= LOSS_TOLERANCE * Math.abs(b)) return;
  throw new Error(
    `Expected both programs to compute one loss for ${name}, batch ${batch}, got ${a} and ${b} (PyTorch).`,
  );
}

function compare(python: Python, what: Case, limit: number) {
  say(`${what.name}, batch ${what.batch}`);
  const variant = bestVariant(python, what);
  const rounds = Array.from({ length: Number(options.rounds) }, () => {
    const pair = { ours: ours(what), peer: peer(python, what, variant, options.steps) };
    requireSameLoss(what, pair.ours, pair.peer);
    say(`  ours ${pair.ours.pairsPerSec.toFixed(1)}, PyTorch ${pair.peer.pairsPerSec.toFixed(1)} pairs/s`);
    return pair;
  });
  const median = (of: 'ours' | 'peer', figure: keyof Measurement) =>
    medianOf(rounds.map((round) => round[of][figure]));
  const [mine, theirs] = [median('ours', 'pairsPerSec'), median('peer', 'pairsPerSec')];
  return {
    network: what.name,
    batch: what.batch,
    'ours, pairs/s': Number(mine.toFixed(1)),
    'PyTorch, pairs/s': Number(theirs.toFixed(1)),
    ratio: Number((mine / theirs).toFixed(2)),
    'ours, GB': Number((median('ours', 'peakBytes') / 1e9).toFixed(2)),
    'PyTorch, GB': Number((median('peer', 'peakBytes') / 1e9).toFixed(2)),
    'ours / limit': Number((mine / limit).toFixed(2)),
    'PyTorch with': `${variant.format}, threads ${variant.threads}`,
  };
}

async function main(): Promise<void> {
  if (options.help) return void process.stdout.write(HELP);
  const names = options.networks.split(',');
  const batches = options.batches.split(',').map(Number);
  if (!names.every((name) => name in NETWORKS) || !batches.every((batch) => batch > 0)) {
    throw new Error(
      `Expected --networks of ${Object.keys(NETWORKS).join()} and --batches in numbers; see --help.`,
    );
  }
  const python = await findPython(options.python ?? process.env.PAG_BENCH_PYTHON, options.install);
  const { rate, forward } = runJson<{ rate: number; forward: Record<string, number> }>(
    tsCommand(scriptPath('limit.ts'), ['--threads', options.threads]),
  );
  say(
    `PyTorch ${python.version}; matrix products ${(rate / 1e9).toFixed(0)} GFLOP/s with ${options.threads} threads`,
  );
  doubtUnlessQuiet();
  const folder = await mkdtemp(join(tmpdir(), 'bench-train-step-'));
  try {
    const rows = [];
    for (const name of names) {
      // One forward pass and its gradient, 3; for each target a backward pass and its gradient, 3 as well.
      const operations = (forward[name]! * (3 * TARGETS + 3)) / TARGETS;
      say(
        `${name}: ${(forward[name]! / 1e9).toFixed(2)} GFLOP forward; at most ${(rate / operations).toFixed(1)} pairs/s`,
      );
      for (const batch of batches) {
        const path = join(folder, `${name}-${batch}.safetensors`);
        await writeCase(path, NETWORKS[name]!, batch);
        const words = ['--case', path, '--network', JSON.stringify(NETWORKS[name])];
        rows.push(compare(python, { name, batch, words }, rate / operations));
        await rm(path);
      }
    }
    // biome-ignore lint/suspicious/noConsole: it is what this program is run for
    console.table(rows);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
