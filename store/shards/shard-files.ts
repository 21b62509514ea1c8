/** Which shards of a gradient store are on the disk, by the names of their files, and how one is taken off it. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { translateDiskError } from '../atomic-file.ts';

/** A shard, its record, or a temporary file of either. */
const FILE = /^shard-(\d+)\.(arrow|json)(\..*\.tmp)?$/;

/** Numbers of the shards of which there is any file, ascending. */
export async function shardsOnDisk(directory: string): Promise<number[]> {
  const found = (await shardFiles(directory)).map(({ shard }) => shard);
  return [...new Set(found)].sort((one, other) => one - other);
}

/** Numbers of the shards that have a record, which is written last. */
export async function recordedShards(directory: string): Promise<Set<number>> {
  const files = await shardFiles(directory);
  return new Set(files.filter(({ isRecord }) => isRecord).map(({ shard }) => shard));
}

/** The record goes first: without it the shard counts for nothing, whatever happens in between. */
export async function removeShard(directory: string, shard: number): Promise<void> {
  const files = (await shardFiles(directory)).filter((file) => file.shard === shard);
  files.sort((one, other) => Number(other.isRecord) - Number(one.isRecord));
  for (const { name } of files) {
    const path = join(directory, name);
    try {
      await rm(path, { force: true, recursive: true });
    } catch (error) {
      throw translateDiskError(error, path);
    }
  }
}

async function shardFiles(directory: string): Promise<{ name: string; shard: number; isRecord: boolean }[]> {
  return (await readdir(directory)).flatMap((name) => {
    const [, number, ending, temporary] = FILE.exec(name) ?? [];
    if (number === undefined) return [];
    return [{ name, shard: Number(number), isRecord: ending === 'json' && temporary === undefined }];
  });
}
