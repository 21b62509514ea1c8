/** `pipeline store verify`: reads all of a gradient store and names what is damaged. */
import { resolve } from 'node:path';
import { PipelineError } from '../../../schemas/errors.ts';
import { countShards } from '../../../store/shards/store-layout.ts';
import { isNewer, type Verdict, verifyStore } from '../../../store/shards/verify-store.ts';
import { labelled } from '../../fold-text.ts';
import type { World } from '../../world.ts';
import { findStore } from './find-store.ts';
import type { StoreArguments } from './info.ts';

/** Throws `ARTIFACT_DAMAGED` after it has named what is damaged. */
export async function verifyCommand({ source, runs, json }: StoreArguments, world: World): Promise<void> {
  const directory = await findStore(source, runs);
  const verdict = await verifyStore(directory);
  const { isFinished, damages, others } = verdict;
  world.stdout.write(
    json
      ? `${JSON.stringify({ directory: resolve(directory), isFinished, damages, others }, null, 2)}\n`
      : `${tell(directory, verdict).join('\n')}\n`,
  );
  if (damages.length === 0) return;
  throw new PipelineError(
    'ARTIFACT_DAMAGED',
    `Expected every byte of ${directory} as it was written, found ${damages.length === 1 ? 'one thing' : `${damages.length} things`} wrong. ${advice(directory, verdict)}`,
    { place: { artifact: directory, files: damages.map(({ file }) => file) } },
  );
}

/** What `repair` would refuse is not recommended; shards that were not made yet are no damage. */
function advice(directory: string, { info, isFinished, damages }: Verdict): string {
  if (damages.some(isNewer)) return 'Update this program, or use that release.';
  const isUnfinished = info !== null && !isFinished && damages.every(({ file }) => file !== 'manifest.json');
  return isUnfinished
    ? 'No manifest says that it is finished; `pipeline run` goes on with it.'
    : `Mend it with: pipeline store repair ${directory}`;
}

function tell(directory: string, { info, isFinished, damages, others }: Verdict): string[] {
  const shards = info === null ? 0 : countShards(info);
  const end = isFinished ? '' : ' No manifest says that it is finished.';
  const rest = others.flatMap((name) =>
    labelled('Besides', 'Besides  '.length, `${name}, which is no part of the store`),
  );
  if (damages.length === 0)
    return [`${directory}: ${shards} shards, every byte as it was written.${end}`, ...rest];
  const width = Math.max(...damages.map(({ file }) => file.length)) + 2;
  return [...damages.flatMap(({ file, found }) => labelled(file, width, found)), ...rest];
}
