/**
 * AutoAttack beside the official code, alternately, on this machine: `npx tsx bench/attack/attack.ts`. Ours run as with
 * `pipeline run --jobs N`: N worker processes of one thread; the official code in one process of N threads.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { doubtUnlessQuiet, medianOf, runTogether, say, tsCommand } from '../processes.ts';
import { findPython, type Python } from '../python.ts';
import { CASE_NAMES, type CaseName, DEFAULTS, describe, writeImages, writePublished } from './case.ts';
import { findOfficialCode } from './official-code.ts';

const HELP = `npx tsx bench/attack/attack.ts [options]

  --case mnist                 mnist: a published network of Wong and Kolter;
                               resnet18: on CIFAR-10
  --weights FILE               mnist: the published weights
                               (default: mnist_small_0_3 of the reference)
  --model DIR                  a model folder instead; resnet18: trained within
                               minutes if left out
  --data DIR                   holds mnist/ and cifar-10-batches-bin/
                               (default: PAG_DATA, else ../shared/data)
  --images N                   mnist: 500, resnet18: 64
  --norm Linf  --eps 0.3       eps may be a fraction; resnet18: 2/255
  --attacks apgd-ce,apgd-t,fab-t,square
  --steps N                    of both, instead of 100
  --square-queries N           of both, instead of 5000
  --oracle                     only what asking the classifier costs
  --rounds 1                   measurements of each program, alternately
  --threads N                  of the official code, and processes of ours
                               (default: all cores)
  --batch N                    points at a time, of ours
  --format contiguous          PyTorch's memory format, or channels_last; the
                               faster of both if left out
  --autoattack DIR             a checkout of the official code
                               (default: the cache)
  --python PATH                a Python with torch, numpy and safetensors
                               (default: PAG_BENCH_PYTHON, else the cache)
  --install                    fill the cache with pip and git
`;

/** Images by which the two may differ beyond a share of all: their random numbers are not the same. */
const TOLERANCE = { images: 2, share: 0.01 };
/** Seconds of a measurement with --oracle, and of a trial of a memory format. */
const ORACLE_SEC = 4;
const scriptPath = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const { values: options } = parseArgs({
  options: {
    case: { type: 'string', default: 'mnist' },
    weights: { type: 'string', default: '../shared/reference/networks/mnist_small_0_3.safetensors' },
    model: { type: 'string' },
    data: { type: 'string', default: process.env.PAG_DATA ?? '../shared/data' },
    images: { type: 'string' },
    norm: { type: 'string', default: 'Linf' },
    eps: { type: 'string' },
    attacks: { type: 'string', default: 'apgd-ce,apgd-t,fab-t,square' },
    steps: { type: 'string' },
    'square-queries': { type: 'string' },
    oracle: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '1' },
    threads: { type: 'string', default: String(availableParallelism()) },
    batch: { type: 'string' },
    format: { type: 'string' },
    autoattack: { type: 'string' },
    python: { type: 'string' },
    install: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const threads = Number(options.threads);

/** What both programs get. */
interface Case {
  model: string;
  images: string;
  count: number;
  /** Options that both know. */
  shared: string[];
}

interface Attacked {
  name: string;
  seconds: number;
  standing: number;
}

interface Measured {
  /** Of the whole cascade. */
  seconds: number;
  clean: number;
  attacks: Attacked[];
}

/** Microseconds for one image. */
interface OracleCosts {
  forwardUs: number;
  gradientUs: number;
}

function caseName(): CaseName {
  const name = CASE_NAMES.find((known) => known === options.case);
  if (name === undefined) throw new Error(`Expected --case of ${CASE_NAMES.join()}; see --help.`);
  return name;
}

function parseEps(text: string): number {
  const [above, below = '1'] = text.split('/');
  return Number(above) / Number(below);
}

async function prepare(folder: string): Promise<Case> {
  const name = caseName();
  const defaults = DEFAULTS[name];
  const count = Number(options.images ?? defaults.images);
  const eps = options.eps === undefined ? defaults.eps : parseEps(options.eps);
  const images = join(folder, 'images.safetensors');
  await writeImages(images, name, join(options.data, defaults.data), count);
  const given = ['steps', 'square-queries'] as const;
  const few = given.flatMap((key) => (options[key] === undefined ? [] : [`--${key}`, options[key]]));
  const shared = [
    ...['--images', images, '--norm', options.norm, '--eps', String(eps)],
    ...['--attacks', options.attacks, ...few],
  ];
  return { model: options.model ?? (await makeModel(name, folder)), images, count, shared };
}

async function makeModel(name: CaseName, folder: string): Promise<string> {
  if (name === 'mnist') {
    const model = join(folder, 'model');
    await writePublished(options.weights, model);
    return model;
  }
  say('Training a ResNet-18 ...');
  const cli = tsCommand(scriptPath('../../pipeline/cli.ts'), [
    ...['run', 'train', '--config', scriptPath('resnet18.yaml')],
    ...['--data', resolve(options.data), '--runs', join(folder, 'runs')],
  ]);
  const printed = execFileSync(cli.program, cli.words, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return resolve(printed.trim().split('\n').at(-1)!);
}

function runOurs<T>(what: Case, extra: readonly string[]): Promise<T[]> {
  const batch = options.batch === undefined ? [] : ['--batch', options.batch];
  return runTogether<T>(
    Array.from({ length: threads }, (_, worker) =>
      tsCommand(scriptPath('ours.ts'), [
        ...['--model', what.model, ...what.shared, ...batch, ...extra],
        ...['--worker', String(worker), '--workers', String(threads)],
      ]),
    ),
  );
}

interface Official {
  python: Python;
  code: string;
  format: string;
}

async function runOfficial<T>(what: Case, how: Official, extra: readonly string[]): Promise<T> {
  const words = [
    ...[scriptPath('peer.py'), '--model', await describe(what.model), ...what.shared, ...extra],
    ...['--autoattack', how.code, '--threads', String(threads), '--format', how.format],
  ];
  const [result] = await runTogether<T>([{ program: how.python.program, env: how.python.env, words }]);
  return result!;
}

/** Chunks of all workers together; an attack's seconds are the mean over workers, the whole ends with the last. */
async function attackWithOurs(what: Case): Promise<Measured> {
  const all = await runOurs<Measured>(what, []);
  const sum = (of: (one: Measured) => number) => all.reduce((total, one) => total + of(one), 0);
  return {
    seconds: Math.max(...all.map(({ seconds }) => seconds)),
    clean: sum(({ clean }) => clean),
    attacks: all[0]!.attacks.map(({ name }, i) => ({
      name,
      seconds: sum(({ attacks }) => attacks[i]!.seconds) / all.length,
      standing: sum(({ attacks }) => attacks[i]!.standing),
    })),
  };
}

/** Side by side, so that each process has its share of the machine; together they are so many times as fast. */
async function costsOfOurs(what: Case): Promise<OracleCosts> {
  const all = await runOurs<OracleCosts>(what, ['--oracle', '--seconds', String(ORACLE_SEC)]);
  const together = (of: keyof OracleCosts) => 1 / all.reduce((rate, one) => rate + 1 / one[of], 0);
  return { forwardUs: together('forwardUs'), gradientUs: together('gradientUs') };
}

const costsOfOfficial = (what: Case, how: Official) =>
  runOfficial<OracleCosts>(what, how, ['--oracle', '--seconds', String(ORACLE_SEC)]);

/** The memory format in which PyTorch answers a gradient sooner. */
async function fasterFormat(what: Case, how: Omit<Official, 'format'>): Promise<string> {
  if (options.format !== undefined) return options.format;
  const tried: { format: string; us: number }[] = [];
  for (const format of ['contiguous', 'channels_last']) {
    const { gradientUs: us } = await costsOfOfficial(what, { ...how, format });
    say(`  PyTorch ${format}: ${us.toFixed(0)} µs for a gradient`);
    tried.push({ format, us });
  }
  return tried.reduce((a, b) => (b.us < a.us ? b : a)).format;
}

/** Figures of both programs, one entry for each round. */
interface Rounds<T> {
  ours: T[];
  official: T[];
}

async function alternate<T>(ours: () => Promise<T>, official: () => Promise<T>): Promise<Rounds<T>> {
  const rounds: Rounds<T> = { ours: [], official: [] };
  for (let round = 0; round < Number(options.rounds); round++) {
    rounds.ours.push(await ours());
    rounds.official.push(await official());
  }
  return rounds;
}

/** Medians over rounds, and the median of the rounds' ratios. */
function figures<T>({ ours, official }: Rounds<T>, of: (measured: T) => number) {
  const ratios = ours.map((mine, round) => of(official[round]!) / of(mine));
  return { ours: medianOf(ours.map(of)), official: medianOf(official.map(of)), ratio: medianOf(ratios) };
}

const rounded = (value: number, digits = 2) => Number(value.toFixed(digits));

async function compareOracles(what: Case, how: Official) {
  const rounds = await alternate(
    () => costsOfOurs(what),
    () => costsOfOfficial(what, how),
  );
  return (['forwardUs', 'gradientUs'] as const).map((name) => {
    const { ours, official, ratio } = figures(rounds, (costs) => costs[name]);
    return {
      asked: name === 'forwardUs' ? 'logits' : 'gradient',
      'ours, µs/image': rounded(ours, 1),
      'PyTorch, µs/image': rounded(official, 1),
      ratio: rounded(ratio),
    };
  });
}

async function compareAttacks(what: Case, how: Official) {
  const rounds = await alternate(
    () => attackWithOurs(what),
    () => runOfficial<Measured>(what, how, []),
  );
  const row = (attack: string, of: (measured: Measured) => number, standing: (m: Measured) => number) => {
    const { ours, official, ratio } = figures(rounds, of);
    const percent = (measured: Measured[]) => rounded((100 * standing(measured[0]!)) / what.count, 1);
    return {
      attack,
      'ours, s': rounded(ours),
      'official, s': rounded(official),
      'ours, images/s': rounded(what.count / ours),
      'official, images/s': rounded(what.count / official),
      ratio: rounded(ratio),
      'ours, robust %': percent(rounds.ours),
      'official, robust %': percent(rounds.official),
    };
  };
  const [first] = rounds.official as [Measured];
  // An attack that has nothing left to do is not among the official ones.
  const rows = first.attacks.map(({ name }, i) =>
    row(
      name,
      ({ attacks }) => attacks[i]!.seconds,
      ({ attacks }) => attacks[i]!.standing,
    ),
  );
  const last = ({ attacks }: Measured) => attacks.at(-1)!.standing;
  requireAgreement(rounds.ours[0]!, first, what.count);
  return [...rows, row('all', ({ seconds }) => seconds, last)];
}

/** After the whole cascade both must agree; in between the official figures differ by as much between seeds. */
function requireAgreement(ours: Measured, official: Measured, images: number): void {
  say(`Clean accuracy: ours ${ours.clean}, official ${official.clean} of ${images} images`);
  const allowed = Math.max(TOLERANCE.images, TOLERANCE.share * images);
  const last = official.attacks.length - 1;
  const [found, standing] = [ours.attacks[last]!.standing, official.attacks[last]!.standing];
  if (Math.abs(found - standing) <= allowed) return;
  say(`Expected both programs to agree within ${allowed} images: ours leave ${found}, official ${standing}.`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  if (options.help) return void process.stdout.write(HELP);
  caseName();
  const python = await findPython(options.python ?? process.env.PAG_BENCH_PYTHON, options.install);
  const code = resolve(await findOfficialCode(options.autoattack, options.install));
  say(`PyTorch ${python.version} with ${threads} threads; as many of our processes`);
  doubtUnlessQuiet();
  const folder = await mkdtemp(join(tmpdir(), 'bench-attack-'));
  try {
    const what = await prepare(folder);
    const how = { python, code, format: await fasterFormat(what, { python, code }) };
    say(`${options.case}: ${what.count} images, ${what.shared.slice(2).join(' ')}, PyTorch ${how.format}`);
    const rows = options.oracle ? await compareOracles(what, how) : await compareAttacks(what, how);
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
