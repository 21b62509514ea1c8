/** Examines this machine: what the pipeline would run on, and what it lacks. Changes nothing and installs nothing. */
import { existsSync, readFileSync } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { PipelineError } from '../../schemas/errors.ts';
import { findDatasets } from '../../store/datasets/find-datasets.ts';
import { enginePaths } from '../setup/engine.mjs';
import { SetupFailure } from '../setup/failure.mjs';
import { type Machine, thisMachine } from '../setup/machine.mjs';
import { findProgram, requireCompiler, requirePython, run } from '../setup/programs.mjs';
import { type CpuInfo, examineCpu } from './cpu.ts';
import { probeEngine } from './probe-engine.ts';
import type { EngineInfo } from './register.ts';

export interface DataSetReport {
  name: string;
  /** Whether all of its files are there. */
  found: boolean;
  /** Folder in which they are, or are looked for. */
  where: string;
}

export interface DoctorReport {
  package: string;
  node: string;
  platform: string;
  cpu: CpuInfo;
  memory: { totalBytes: number; freeBytes: number };
  engine: {
    /** Name of what is asked for, e.g. `tensorflow-cpu-2.21.0-linux-x64`; null where there is none for this platform. */
    wanted: string | null;
    /** Folder of TensorFlow's libraries; null where they are not installed. */
    libraries: string | null;
    /** The engine as it answered; null where it did not. */
    running: EngineInfo | null;
  };
  /** Graphics cards that the driver lists; PAG_ENGINE=cuda uses them. */
  gpus: string[];
  /** First line of what each program says about its version; null where it is missing. */
  tools: { python: string | null; pip: string | null; compiler: string | null; make: string | null };
  cache: { directory: string; bytes: number };
  data: { directory: string; exists: boolean; sets: DataSetReport[] };
  /** What is needed and not there: sentences that say what to do. Empty if the pipeline can run. */
  missing: string[];
}

export interface ExamineOptions {
  /** Folder with the user's data sets. */
  dataDirectory: string;
  /** For tests. */
  machine?: Machine;
}

export async function examine(options: ExamineOptions): Promise<DoctorReport> {
  const machine = options.machine ?? thisMachine();
  const missing: string[] = [];
  const engine = await examineEngine(machine, missing);
  const data = await examineData(machine.project, options.dataDirectory, missing);
  return {
    package: readPackageName(machine.project),
    node: machine.nodeVersion,
    platform: `${machine.platform}-${machine.arch}`,
    cpu: examineCpu(),
    memory: { totalBytes: totalmem(), freeBytes: freemem() },
    engine,
    gpus: await listGpus(machine),
    tools: await examineTools(machine),
    cache: { directory: machine.cache, bytes: await folderBytes(machine.cache) },
    data,
    missing,
  };
}

async function examineEngine(machine: Machine, missing: string[]): Promise<DoctorReport['engine']> {
  const paths = await orMissing(missing, async () => enginePaths(machine));
  if (paths === null) return { wanted: null, libraries: null, running: null };
  // An engine that somebody installed by hand is as good, as long as it answers with the right version.
  const link = join(paths.libraryLink, 'lib');
  const libraries = existsSync(link) ? await realpath(link) : null;
  if (libraries === null) {
    missing.push('The TensorFlow engine is not installed yet: `npm start` or `pipeline run` installs it.');
    await orMissing(missing, () => requirePython(machine));
    await orMissing(missing, async () => requireCompiler(machine));
    return { wanted: paths.engine.name, libraries, running: null };
  }
  const running = await orMissing(missing, () => probeEngine(machine.env));
  return { wanted: paths.engine.name, libraries, running };
}

/** Runs a step; the sentence of its failure goes to the list. */
async function orMissing<T>(missing: string[], step: () => Promise<T>): Promise<T | null> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof SetupFailure || error instanceof PipelineError)) throw error;
    missing.push(error.message);
    return null;
  }
}

async function examineData(
  project: string,
  dataDirectory: string,
  missing: string[],
): Promise<DoctorReport['data']> {
  const directory = resolve(dataDirectory);
  const bundled = join(project, 'store/datasets/bundled/usps/usps.bz2');
  if (!existsSync(bundled)) {
    missing.push(
      `Expected the bundled USPS digits in ${bundled}, found none: restore the file from the repository.`,
    );
  }
  return { directory, exists: existsSync(directory), sets: await findDatasets(directory) };
}

async function examineTools(machine: Machine): Promise<DoctorReport['tools']> {
  const python = findProgram(['python3'], machine.env);
  return {
    python: await firstLine(machine, python, ['--version']),
    pip: await firstLine(machine, python, ['-c', 'import pip; print("pip", pip.__version__)']),
    compiler: await firstLine(machine, findProgram(['g++', 'c++', 'clang++'], machine.env), ['--version']),
    make: await firstLine(machine, findProgram(['make'], machine.env), ['--version']),
  };
}

async function firstLine(machine: Machine, program: string | null, args: string[]): Promise<string | null> {
  if (program === null) return null;
  const { code, output } = await run(program, args, { env: machine.env });
  return code === 0 ? (output.trim().split('\n')[0] ?? '') : null;
}

async function listGpus(machine: Machine): Promise<string[]> {
  const program = findProgram(['nvidia-smi'], machine.env);
  if (program === null) return [];
  const { code, output } = await run(program, ['--query-gpu=name', '--format=csv,noheader'], {
    env: machine.env,
  });
  return code === 0 ? output.trim().split('\n') : [];
}

function readPackageName(project: string): string {
  const { name, version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as Record<
    string,
    string
  >;
  return `${name} ${version}`;
}

async function folderBytes(folder: string): Promise<number> {
  if (!existsSync(folder)) return 0;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  // A file may disappear in between: another checkout may be installing.
  const sizes = await Promise.all(
    files.map((file) =>
      stat(join(file.parentPath, file.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
