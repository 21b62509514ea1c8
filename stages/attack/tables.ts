/** Tables with one row for each attack setting and image. */
import { join } from 'node:path';
import { type TableColumn, writeTable } from '../../store/tables.ts';
import type { Merged } from './merge.ts';
import type { Images } from './victim.ts';

/** `images.parquet`, and `timings.parquet` for what depends on the machine. */
export async function writeOutcomes(
  directory: string,
  images: Images,
  clean: readonly number[],
  merged: readonly Merged[],
): Promise<void> {
  const rows = merged.flatMap((one) => images.indices.map((index, position) => ({ one, index, position })));
  type Row = (typeof rows)[number];
  const column = (
    name: string,
    type: TableColumn['type'],
    of: (row: Row) => unknown,
    nullable = false,
  ): TableColumn => ({ name, type, values: rows.map(of), nullable });
  const which = [
    column('attack', 'STRING', ({ one }) => one.name),
    column('image', 'INT32', ({ index }) => index),
  ];
  const partOf = ({ one, position }: Row) => one.parts[one.outcome.part[position]!]?.method ?? null;
  await writeTable(join(directory, 'images.parquet'), [
    ...which,
    column('label', 'INT32', ({ position }) => images.labels[position]),
    column('target', 'INT32', ({ one, position }) => one.outcome.target[position]),
    column('cleanPrediction', 'INT32', ({ position }) => clean[position]),
    column('survived', 'BOOLEAN', ({ one, position }) => one.outcome.survived[position]),
    column('adversarialPrediction', 'INT32', ({ one, position }) => one.outcome.prediction[position]),
    column('distance', 'DOUBLE', ({ one, position }) => one.outcome.distance[position]),
    column('brokenBy', 'STRING', partOf, true),
    column('queries', 'INT32', ({ one, position }) => one.outcome.queries[position]),
    column('gradients', 'INT32', ({ one, position }) => one.outcome.gradients[position]),
  ]);
  await writeTable(join(directory, 'timings.parquet'), [
    ...which,
    column('seconds', 'DOUBLE', ({ one, position }) => one.outcome.seconds[position]),
  ]);
}
