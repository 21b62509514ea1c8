/** `pipeline store export`: all gradients of a store in one file that other programs read. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { collectLeftoversOf, makeDirectory } from '../../../store/atomic-file.ts';
import { exportArrow } from '../../../store/shards/export-arrow.ts';
import { classesBeside, exportNpy } from '../../../store/shards/export-npy.ts';
import { exportParquet } from '../../../store/shards/export-parquet.ts';
import { type GradientReader, openGradientReader } from '../../../store/shards/gradient-reader.ts';
import { showBytes } from '../../../store/show-bytes.ts';
import { listenForStop } from '../../stop-signals.ts';
import type { World } from '../../world.ts';
import { findStore, usage } from './find-store.ts';
import { type StoreArguments, showLoss } from './info.ts';

type Format = 'parquet' | 'npy' | 'arrow';

interface ExportArguments extends StoreArguments {
  file?: string | undefined;
  format?: Format | undefined;
  dtype: 'float32' | 'float16';
}

export async function exportCommand(args: ExportArguments, world: World): Promise<void> {
  const { source, file, json } = args;
  if (source === undefined || file === undefined) {
    throw usage('Expected a store and a file (pipeline store export STORE OUT.parquet).');
  }
  const format = args.format ?? formatOf(file);
  requireNew(file);
  const directory = await findStore(source, args.runs);
  const reader = await openGradientReader(directory);
  const signals = listenForStop();
  try {
    const lists = format === 'npy' && reader.info.targetClasses === 'listed';
    const classes = lists ? classesBeside(file) : null;
    if (classes !== null) requireNew(classes);
    await makeDirectory(dirname(resolve(file)));
    await collectLeftoversOf(resolve(file));
    const lost = await write(format, reader, directory, file, args.dtype, signals.stop);
    const { images, targets, shape } = reader.info;
    const bytes = (await stat(file)).size;
    const shown = { file, classes, format, bytes, images, targets, shape, worstCosineLoss: lost };
    const beside = classes === null ? '' : `; their classes: ${classes}`;
    const loss = lost === null ? '' : `; 1 - cos against the store ${showLoss(lost)} at worst`;
    world.stdout.write(
      json
        ? `${JSON.stringify(shown, null, 2)}\n`
        : `Wrote ${file}: ${images * targets} gradients (${showBytes(bytes)})${beside}${loss}.\n`,
    );
  } finally {
    signals.close();
    await reader.close();
  }
}

function requireNew(file: string): void {
  if (existsSync(file))
    throw usage(`Expected to write a new file ${file}, found one there already; name another.`);
}

function formatOf(file: string): Format {
  const ending = extname(file).slice(1);
  if (ending === 'parquet' || ending === 'npy' || ending === 'arrow') return ending;
  throw usage(`Expected a file that ends in .parquet, .npy or .arrow, or --format, got ${file}.`);
}

/** Returns the worst 1 − cos between what was read and what was written; null where every value is kept. */
async function write(
  format: Format,
  reader: GradientReader,
  directory: string,
  file: string,
  dtype: ExportArguments['dtype'],
  signal: AbortSignal,
): Promise<number | null> {
  if (format === 'npy') return exportNpy(reader, file, dtype, signal);
  await (format === 'parquet'
    ? exportParquet(reader, file, signal)
    : exportArrow(reader, directory, file, signal));
  return null;
}
