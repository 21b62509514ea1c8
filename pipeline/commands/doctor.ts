/** `pipeline doctor`: what this machine offers and what it lacks, for people or as JSON. */
import type { CommandModule } from 'yargs';
import { type DataSetReport, type DoctorReport, examine } from '../engine/doctor.ts';
import { hasBfloat16 } from '../engine/precision.ts';
import { COLUMNS, fold, labelled } from '../fold-text.ts';

interface DoctorArguments {
  /** Folder with the user's data sets. */
  data?: string | undefined;
  json?: boolean | undefined;
}

const LABEL_WIDTH = 12;

export const doctorCommand: CommandModule<object, DoctorArguments> = {
  command: 'doctor',
  describe: 'Show engine, processor, devices and data sets, and what is missing',
  async handler(argv) {
    const report = await examine({ dataDirectory: argv.data ?? process.env.PAG_DATA ?? 'data' });
    const text = argv.json ? JSON.stringify(report, null, 2) : renderReport(report).join('\n');
    process.stdout.write(`${text}\n`);
    if (report.missing.length > 0) process.exitCode = 1;
  },
};

/** Lines of at most 80 columns, paths excepted. */
export function renderReport(report: DoctorReport): string[] {
  const { cpu, memory, engine, tools, cache, data } = report;
  return [
    ...field('package', `${report.package}, Node ${report.node}, ${report.platform}`),
    ...field('processor', `${cpu.model}, ${cpu.cores} ${cpu.cores === 1 ? 'core' : 'cores'}`),
    ...field('', cpu.features.join(' ') || 'no vector instructions found'),
    ...field(
      '',
      hasBfloat16(cpu)
        ? 'multiplies in bfloat16 (precision may be bfloat16)'
        : 'does not multiply in bfloat16 (precision must be float32)',
    ),
    ...field('memory', `${gigabytes(memory.totalBytes)}, ${gigabytes(memory.freeBytes)} free`),
    ...field('engine', describeEngine(engine)),
    ...(engine.libraries ? field('', engine.libraries) : []),
    ...field('devices', engine.running?.devices.join(', ') ?? 'unknown, as the engine does not run'),
    ...(report.gpus.length > 0
      ? field('graphics', `${report.gpus.join(', ')} (PAG_ENGINE=cuda uses them)`)
      : []),
    ...field('python', [tools.python, tools.pip].filter(Boolean).join(', ') || 'not found'),
    ...field('compiler', [tools.compiler, tools.make].filter(Boolean).join(', ') || 'not found'),
    ...field('cache', `${cache.directory} (${gigabytes(cache.bytes)})`),
    ...field('data', `${data.directory}${data.exists ? '' : ' (not there)'}`),
    ...field('', describeSets(data.sets)),
    '',
    ...(report.missing.length === 0 ? ['Nothing is missing.'] : ['Missing:']),
    ...report.missing.flatMap((sentence) =>
      fold(sentence, COLUMNS - 4).map((line, i) => `${i ? '    ' : '  - '}${line}`),
    ),
  ];
}

function describeEngine({ wanted, running, libraries }: DoctorReport['engine']): string {
  if (running) {
    const threads = `${running.threads} ${running.threads === 1 ? 'thread' : 'threads'} per process`;
    const kernels = running.kernels === null ? '' : `, own kernels for ${running.kernels}`;
    return `TensorFlow ${running.tensorflow}, ${threads}${kernels}`;
  }
  if (wanted === null) return 'none for this platform';
  return `${wanted}, ${libraries ? 'does not run' : 'not installed'}`;
}

function describeSets(sets: readonly DataSetReport[]): string {
  const here = sets.filter(({ found }) => found).map(({ name }) => name);
  return `${here.join(', ') || 'no data set'} found; \`pipeline data list\` tells of all`;
}

const field = (label: string, text: string) => labelled(label, LABEL_WIDTH, text);

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
