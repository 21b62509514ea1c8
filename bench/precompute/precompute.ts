/**
 * Our score-based targets beside PyTorch's, alternately, on this machine: `npx tsx bench/precompute/precompute.ts`. Ours
 * run as with `pipeline run --jobs N`: N worker processes side by side, of one thread each. PyTorch first tries one
 * process with all threads and a process for each, both memory formats, and torch.compile; its best goes into the rounds.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readTensors } from '../../store/tensor-file.ts';
import { type Command, doubtUnlessQuiet, medianOf, runTogether, say, tsCommand } from '../processes.ts';
import { findPython, type Python } from '../python.ts';
import { CLASSES, NETWORKS, SCALE, SIGMA, SIGMA_DATA, writeCase } from './case.ts';

const HELP = `npx tsx bench/precompute/precompute.ts [options]

  --networks unet-usps,unet-cifar10,ddpm++
  --batch N                    evaluations of the network at a time, of ours;
                               default: 64, of ddpm++ 32
  --rounds 3                   measurements of each program, alternately
  --seconds 6                  of each measurement
  --jobs N                     our processes; default: all cores
  --peer contiguous:1x2:64     PyTorch's memory format, processes x threads and
                               batch, and :compile behind them; default: the
                               best of many, see bench/README.md
  --python PATH                a Python with torch, numpy and safetensors
                               (default: PAG_BENCH_PYTHON, else the cache)
  --install                    fill the cache with pip
`;

/** Both compute the same targets, to the rounding of float32 in another order: largest difference over the largest value. */
const TOLERANCE = 1e-4;
/** Seconds of a trial of one of PyTorch's ways. */
const TRIAL_SEC = '2';
const scriptPath = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const { values: options } = parseArgs({
  options: {
    networks: { type: 'string', default: Object.keys(NETWORKS).join() },
    batch: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '6' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    peer: { type: 'string' },
    python: { type: 'string' },
    install: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** One way of running PyTorch. */
interface Variant {
  format: string;
  processes: number;
  threads: number;
  batch: number;
  compiled: boolean;
}

interface Case {
  name: string;
  folder: string;
  path: string;
}

interface Measured {
  /** Of all processes together. */
  gradientsPerSec: number;
  peakBytes: number;
}

async function together(commands: Command[]): Promise<Measured> {
  const all = await runTogether<Measured>(commands);
  const sum = (of: keyof Measured) => all.reduce((total, one) => total + one[of], 0);
  return { gradientsPerSec: sum('gradientsPerSec'), peakBytes: sum('peakBytes') };
}

const checkPath = ({ folder, name }: Case, who: string) => join(folder, `${name}-${who}.safetensors`);

const batchOf = ({ name }: Case) => Number(options.batch ?? NETWORKS[name]!.batch);

function ours(what: Case): Promise<Measured> {
  return together(
    Array.from({ length: Number(options.jobs) }, (_, i) =>
      tsCommand(scriptPath('ours.ts'), [
        ...['--case', what.path, '--network', what.name, '--batch', String(batchOf(what))],
        ...['--seconds', options.seconds, '--check', checkPath(what, `ours${i}`)],
      ]),
    ),
  );
}

function peer({ program, env }: Python, what: Case, variant: Variant, seconds: string): Promise<Measured> {
  const { config, shape } = NETWORKS[what.name]!;
  const setting = {
    network: config,
    shape,
    classes: CLASSES,
    sigma: SIGMA,
    sigmaData: SIGMA_DATA,
    scale: SCALE,
  };
  const { format, processes, threads, batch, compiled } = variant;
  const words = [
    ...[scriptPath('peer.py'), '--case', what.path, '--setting', JSON.stringify(setting)],
    ...['--threads', String(threads), '--batch', String(batch), '--seconds', seconds, '--format', format],
    ...(compiled ? ['--compile'] : []),
  ];
  return together(
    Array.from({ length: processes }, (_, i) => ({
      program,
      words: [...words, '--check', checkPath(what, `peer${i}`)],
      env,
    })),
  );
}

function parseVariant(text: string): Variant {
  const [format, counts, batch, compiled] = text.split(':') as [string, string, string, string?];
  const [processes, threads] = counts.split('x').map(Number) as [number, number];
  return { format, processes, threads, batch: Number(batch), compiled: compiled === 'compile' };
}

const nameOf = ({ format, processes, threads, batch, compiled }: Variant) =>
  `${format}:${processes}x${threads}:${batch}${compiled ? ':compile' : ''}`;

/** PyTorch's fastest way on this case. What does not run at all, as torch.compile without a compiler, is left out. */
async function bestVariant(python: Python, what: Case): Promise<Variant> {
  if (options.peer !== undefined) return parseVariant(options.peer);
  const cores = availableParallelism();
  const first = batchOf(what);
  const ways = [...new Set([`1x${cores}`, `${cores}x1`])];
  const formats = ways.flatMap((way) => [`contiguous:${way}:${first}`, `channels_last:${way}:${first}`]);
  let best = await fastest(python, what, formats);
  const batches = [first / 4, first * 2].map((batch) => nameOf({ ...best.variant, batch }));
  best = better(best, await fastest(python, what, batches));
  const compiled = await fastest(python, what, [`${nameOf(best.variant)}:compile`]).catch((error: Error) => {
    say(`  PyTorch does not compile it: ${error.message.trim().split('\n').at(-1)}`);
    return best;
  });
  return better(best, compiled).variant;
}

interface Trial {
  variant: Variant;
  speed: number;
}

const better = (a: Trial, b: Trial) => (b.speed > a.speed ? b : a);

async function fastest(python: Python, what: Case, names: string[]) {
  const tried: Trial[] = [];
  for (const name of names) {
    const variant = parseVariant(name);
    const { gradientsPerSec: speed } = await peer(python, what, variant, TRIAL_SEC);
    say(`  PyTorch ${name}: ${speed.toFixed(1)} gradients/s`);
    tried.push({ variant, speed });
  }
  return tried.reduce(better);
}

/** Largest difference between the targets of both programs, over the largest value. */
async function requireAgreement(what: Case): Promise<void> {
  const read = async (who: string) => (await readTensors(checkPath(what, who))).tensors.targets!.data;
  const [a, b] = [await read('ours0'), await read('peer0')];
  let [difference, largest] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference = Math.max(difference, Math.abs(Number(a[i]) - Number(b[i])));
    largest = Math.max(largest, Math.abs(Number(b[i])));
  }
  say(`  targets differ by ${(difference / largest).toExponential(1)} of the largest value`);
  if (difference <= TOLERANCE * largest) return;
  throw new Error(`Expected both programs to compute the same targets for ${what.name}, they do not.`);
}

async function compare(python: Python, what: Case) {
  say(what.name);
  const variant = await bestVariant(python, what);
  const rounds: { ours: Measured; peer: Measured }[] = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    const pair = { ours: await ours(what), peer: await peer(python, what, variant, options.seconds) };
    if (round === 0) await requireAgreement(what);
    const [mine, theirs] = [pair.ours.gradientsPerSec.toFixed(1), pair.peer.gradientsPerSec.toFixed(1)];
    say(`  ours ${mine}, PyTorch ${theirs} gradients/s`);
    rounds.push(pair);
  }
  const median = (of: 'ours' | 'peer', figure: keyof Measured) =>
    medianOf(rounds.map((round) => round[of][figure]));
  return {
    network: what.name,
    'ours, gradients/s': Number(median('ours', 'gradientsPerSec').toFixed(1)),
    'PyTorch, gradients/s': Number(median('peer', 'gradientsPerSec').toFixed(1)),
    ratio: Number(medianOf(rounds.map((r) => r.ours.gradientsPerSec / r.peer.gradientsPerSec)).toFixed(2)),
    'ours, GB': Number((median('ours', 'peakBytes') / 1e9).toFixed(2)),
    'PyTorch, GB': Number((median('peer', 'peakBytes') / 1e9).toFixed(2)),
    'PyTorch with': nameOf(variant),
  };
}

async function main(): Promise<void> {
  if (options.help) return void process.stdout.write(HELP);
  const names = options.networks.split(',');
  if (!names.every((name) => name in NETWORKS)) {
    throw new Error(`Expected --networks of ${Object.keys(NETWORKS).join()}; see --help.`);
  }
  const python = await findPython(options.python ?? process.env.PAG_BENCH_PYTHON, options.install);
  say(`PyTorch ${python.version}; ${options.jobs} of our processes`);
  doubtUnlessQuiet();
  const folder = await mkdtemp(join(tmpdir(), 'bench-precompute-'));
  try {
    const rows = [];
    for (const name of names) {
      const path = join(folder, `${name}.safetensors`);
      await writeCase(path, NETWORKS[name]!);
      rows.push(await compare(python, { name, folder, path }));
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
