/** What all records of a finished gradient store together say, above all how much its codec lost. */
import { join } from 'node:path';
import { PipelineError } from '../../schemas/errors.ts';
import {
  type GradientStoreInfo,
  type ShardRecord,
  type StoreSummary,
  storeSummarySchema,
} from '../../schemas/gradient-store.ts';
import { writeFileAtomic } from '../atomic-file.ts';
import { canonicalJson } from '../content-hash.ts';
import { countShards, readJson, readShardRecord, recordName, SUMMARY_FILE } from './store-layout.ts';

/** Adds up the records of all shards. Throws `ARTIFACT_DAMAGED` where one is missing. */
export async function summarizeRecords(directory: string, info: GradientStoreInfo): Promise<StoreSummary> {
  const records: ShardRecord[] = [];
  for (let shard = 0; shard < countShards(info); shard++) {
    const record = await readShardRecord(directory, info, shard);
    if (record === undefined) throw damaged(directory, recordName(shard), 'a shard', 'only this shard');
    records.push(record);
  }
  const sum = (of: (record: ShardRecord) => number) =>
    records.reduce((total, record) => total + of(record), 0);
  const rows = sum((record) => record.rows);
  return {
    shards: records.length,
    rows,
    bytes: sum((record) => record.bytes),
    worstCosineLoss: records.reduce((worst, record) => Math.max(worst, record.worstCosineLoss), 0),
    meanCosineLoss: sum((record) => record.meanCosineLoss * record.rows) / rows,
  };
}

/** Writes {@link summarizeRecords} into the store. */
export async function writeSummary(directory: string, info: GradientStoreInfo): Promise<StoreSummary> {
  const summary = await summarizeRecords(directory, info);
  await writeFileAtomic(join(directory, SUMMARY_FILE), `${JSON.stringify(summary, null, 2)}\n`);
  return summary;
}

/** Whether the summary says what the records of all shards, which must be there, say together. */
export async function isSummaryRight(directory: string, info: GradientStoreInfo): Promise<boolean> {
  const found = storeSummarySchema.safeParse(await readJson(join(directory, SUMMARY_FILE)));
  const expected = await summarizeRecords(directory, info);
  return found.success && canonicalJson(found.data) === canonicalJson(expected);
}

/** Reads what {@link writeSummary} wrote. Throws `ARTIFACT_DAMAGED` where it is missing or something else. */
export async function readSummary(directory: string): Promise<StoreSummary> {
  const parsed = storeSummarySchema.safeParse(await readJson(join(directory, SUMMARY_FILE)));
  if (parsed.success) return parsed.data;
  throw damaged(directory, SUMMARY_FILE, 'the whole store', 'what is missing');
}

function damaged(directory: string, file: string, what: string, again: string): PipelineError {
  const message = `Expected ${file} of the gradient store ${directory} to describe ${what}, found that it is missing or does not. The next \`pipeline run\` computes ${again} again.`;
  return new PipelineError('ARTIFACT_DAMAGED', message, { place: { artifact: directory, files: [file] } });
}
