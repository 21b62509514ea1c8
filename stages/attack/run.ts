/**
 * Attacks a classifier with every setting, chunk of images by chunk, beside other processes that do. Each image's result
 * follows from (seed, image) alone, so that chunks, batches and processes leave no trace in it.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { PipelineError } from '../../schemas/errors.ts';
import type { StageContext } from '../../schemas/stage.ts';
import { writeFileAtomic } from '../../store/atomic-file.ts';
import { shareWork } from '../../store/claims.ts';
import { classOf } from '../numerics/attacks/attack.ts';
import { registerGradients } from '../numerics/gradients/register.ts';
import { inputOf, stopIfAsked, yieldToEvents } from '../numerics/running.ts';
import { addNoise } from './attack-part.ts';
import { certificateOf, certifyImages, writeCertificates } from './certificate.ts';
import {
  type AttackWork,
  attackChunk,
  type Chunk,
  chunkSize,
  chunksOf,
  cleanLogits,
  imagesDone,
  isDone,
} from './chunk.ts';
import { resultDoubts } from './doubts/results.ts';
import { victimDoubts } from './doubts/victim.ts';
import { keepImages } from './keep.ts';
import { type Merged, mergeSetting } from './merge.ts';
import { CODE_VERSION, decisivePart, namedSettings } from './settings.ts';
import { summarize } from './summary.ts';
import { writeTableRows } from './table-rows.ts';
import { writeOutcomes } from './tables.ts';
import { openSurrogate, openVictim, type Victim } from './victim.ts';
import { openWork } from './work-folder.ts';

/** Images that doubts about the classifier are taken from. */
const LOOKED_AT = 128;

export async function runAttack(context: StageContext): Promise<void> {
  registerGradients();
  const work = await openAttack(context);
  if (work === null) return;
  const { victim, settings, folder } = work;
  const n = victim.images.count;
  const { certify } = context.config.attack;
  const certified = certify === undefined ? 0 : Math.min(certify.images ?? n, n);
  const total = settings.length * n + certified;
  const chunks = chunksOf(n, folder.chunkImages);
  const tell = teller(context, total);
  const pieces = chunks.map(({ number }) => ({
    stem: `chunk-${String(number).padStart(5, '0')}`,
    name: `chunk ${number}`,
  }));
  const finished = imagesDone(work, chunks);
  if (finished > 0 && !context.sharing?.isHelper) {
    context.note(`resuming with ${finished} of ${settings.length * n} images attacked`);
  }
  await shareWork(
    {
      pieces,
      // The files first: they are removed once the results are written.
      isDone: (i) => isDone(work, chunks[i]!) || folder.isOver(),
      async make(i) {
        const before = imagesDone(
          work,
          chunks.filter((_, other) => other !== i),
        );
        await attackChunk(work, chunks[i]!, (underway) => tell(before + underway, underway));
      },
    },
    context,
  );
  if (context.sharing?.isHelper) return;
  if (certified === 0) await tell(total);
  await finish(context, work, chunks, certified, (images) => tell(settings.length * n + images));
}

/** Models, images and what an earlier session has left; null where a helper comes too late. */
async function openAttack(context: StageContext): Promise<AttackWork | null> {
  const { attack } = context.config;
  const victim = await openVictim(context);
  const { dataset, common, images } = victim;
  if (images.count === 0) {
    throw new PipelineError(
      'DATA_MISSING',
      `Expected test images of ${common?.join(', ') ?? dataset.info.name}, found none; choose another data set or model.`,
    );
  }
  if (common !== null) {
    context.note(
      `model and data have ${common.length} of ${dataset.info.classNames.length} classes in common (${common.join(', ')}); only images of these are used`,
    );
  }
  const settings = namedSettings(attack);
  const surrogates = [];
  for (const [i, { setting }] of settings.entries()) {
    const name = `attack.attacks[${i}].from`;
    surrogates.push(setting.from === undefined ? null : await openSurrogate(setting.from, name, victim));
  }
  const identity = {
    version: CODE_VERSION,
    model: victim.fingerprint,
    data: inputOf(context, 'dataset').key,
    settings: decisivePart(attack),
  };
  const chunkImages = attack.chunkImages ?? chunkSize(images.count, availableParallelism());
  const folder = await openWork(context, identity, chunkImages);
  return folder && { victim, settings, surrogates, folder, keepsPoints: attack.keep !== 'none' };
}

/** Progress between batches, and a look whether the user wants to stop. */
function teller(context: StageContext, total: number) {
  let told = -1;
  return async (done: number, underway?: number) => {
    if (done !== told) {
      context.progress({ done, total, unit: 'images', ...(underway !== undefined && { underway }) });
    }
    told = done;
    await yieldToEvents();
    stopIfAsked(context);
  };
}

/** Puts together what all processes have found. */
async function finish(
  context: StageContext,
  work: AttackWork,
  chunks: readonly Chunk[],
  certified: number,
  onCertified: (images: number) => Promise<void>,
): Promise<void> {
  const { victim, settings, folder } = work;
  const { directory, config } = context;
  const clean = cleanLogits(victim, { first: 0, count: victim.images.count }).map(classOf);
  const merged = settings.map((_, setting) => mergeSetting(work, chunks, setting, clean));
  const summary = { ...summarize(victim, clean, merged, config), doubts: [] as ReturnType<typeof doubtsOf> };
  summary.doubts = doubtsOf(victim, merged, summary.attacks);
  await writeOutcomes(directory, victim.images, clean, merged);
  const { certify, keep } = config.attack;
  if (keep !== 'none') await keepImages(work, chunks, merged, { directory, keep });
  if (certify !== undefined) {
    const rows = await certifyImages(victim, certify, certified, folder.certificates, onCertified);
    Object.assign(summary, { certificate: certificateOf(rows, certify) });
    await writeCertificates(join(directory, 'certified.parquet'), rows);
  }
  await writeFileAtomic(join(directory, 'attack.json'), `${JSON.stringify(summary, null, 2)}\n`);
  await writeTableRows(directory, summary);
  await folder.remove();
  victim.oracle.dispose();
}

function doubtsOf(
  victim: Victim,
  merged: readonly Merged[],
  results: ReturnType<typeof summarize>['attacks'],
) {
  const { images, oracle, dataset, batchSize, noise, seed } = victim;
  const { box } = dataset.info;
  const looked = Array.from({ length: Math.min(LOOKED_AT, images.count) }, (_, position) => position);
  const about = {
    oracle,
    images: looked.map((position) => images.at(position)),
    labels: images.labels,
    box,
    batchSize,
    ...(noise !== undefined && {
      disturb: (x: Float32Array, image: number, draw: number) =>
        addNoise(x, noise, [seed, 'victim-noise', 'doubts', images.indices[image]!, draw]),
    }),
  };
  const attacked = merged.map(({ setting, outcome, totals, violations }, i) => ({
    setting,
    result: results[i]!,
    outcome,
    falls: totals.map(({ fall }) => fall),
    violations,
  }));
  return [
    ...victimDoubts(
      about,
      merged.map(({ setting }) => setting),
    ),
    ...resultDoubts(attacked, { labels: images.labels, size: dataset.size, box }),
  ];
}
