/** `pipeline store info`: what a gradient store holds, how it was made, and what its codec lost. */
import { resolve } from 'node:path';
import type { GradientStoreInfo, PrecisionCost, StoreSummary } from '../../../schemas/gradient-store.ts';
import { readManifest } from '../../../store/artifacts.ts';
import { readPrecisionCost } from '../../../store/shards/precision-cost.ts';
import { recordedShards } from '../../../store/shards/shard-files.ts';
import { countShards, readStoreInfo } from '../../../store/shards/store-layout.ts';
import { readSummary } from '../../../store/shards/store-summary.ts';
import { showBytes } from '../../../store/show-bytes.ts';
import { labelled } from '../../fold-text.ts';
import type { World } from '../../world.ts';
import { findStore } from './find-store.ts';

const LABEL = 15;

export interface StoreArguments {
  source?: string | undefined;
  runs: string;
  json: boolean;
}

export async function infoCommand({ source, runs, json }: StoreArguments, world: World): Promise<void> {
  const directory = await findStore(source, runs);
  const info = await readStoreInfo(directory);
  const manifest = await readManifest(directory);
  const summary = manifest === null ? null : await readSummary(directory);
  const shards = { finished: (await recordedShards(directory)).size, all: countShards(info) };
  const precisionCost = await readPrecisionCost(directory);
  const isFinished = manifest !== null;
  const shown = {
    directory: resolve(directory),
    isFinished,
    ...info,
    shards,
    summary,
    precisionCost,
    config: manifest?.config ?? null,
  };
  world.stdout.write(
    json
      ? `${JSON.stringify(shown, null, 2)}\n`
      : `${linesOf(directory, info, shards, summary, precisionCost).join('\n')}\n`,
  );
}

function linesOf(
  directory: string,
  info: GradientStoreInfo,
  shards: { finished: number; all: number },
  summary: StoreSummary | null,
  precisionCost: PrecisionCost | null,
): string[] {
  const row = (label: string, text: string) => labelled(label, LABEL, text);
  const which = info.targetClasses === 'all' ? 'one for each class' : `of ${info.classes} classes, listed`;
  return [
    ...row('Folder', directory),
    ...row('Gradients', info.description),
    ...row('Shape', info.shape.join('x')),
    ...row('Images', info.images.toLocaleString('en')),
    ...row('Targets', `${info.targets} per image, ${which}`),
    ...row('Codec', info.codec),
    ...(summary === null
      ? row('Shards', `${shards.finished} of ${shards.all}: unfinished, \`pipeline run\` goes on`)
      : [
          ...row('Shards', `${shards.all} (${showBytes(summary.bytes)})`),
          ...row(
            'Lost by codec',
            `1 - cos ${showLoss(summary.meanCosineLoss)} on average, ${showLoss(summary.worstCosineLoss)} at worst`,
          ),
        ]),
    ...(precisionCost === null ? [] : row('Precision', costText(precisionCost))),
  ];
}

function costText({ precision, gradients, meanCosineLoss: mean, worstCosineLoss: worst }: PrecisionCost) {
  return `${precision}, 1 - cos with float32 ${showLoss(mean)} on average, ${showLoss(worst)} at worst (${gradients} gradients)`;
}

/** 1 − cos with two digits: `3.6e-8`, `0`. */
export function showLoss(loss: number): string {
  return loss === 0 ? '0' : loss.toExponential(1);
}
