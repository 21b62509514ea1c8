/**
 * Lets several processes write one gradient store. Each shard is claimed before it is made. The owner (who holds the
 * artifact's lock) waits at the end for what others have claimed; helpers only take what nobody has. Every byte
 * follows from the configuration, so the store is the same with any number of processes.
 */
import { awaitPiece, type Claim, type ClaimContext, claimPiece, type Piece, TELL_MS } from '../claims.ts';
import type { GradientWriter } from './gradient-writer.ts';
import { shardStem } from './store-layout.ts';

type Take = (shard: number) => Promise<Claim | null>;

/** How a shard is made: while one is written, the next is computed. */
export interface ShardMaker<T> {
  /** @param finishedImages images of the shards that are finished or being written, whoever made them */
  compute(shard: number, finishedImages: number): Promise<T>;
  write(shard: number, computed: T): Promise<unknown>;
}

/**
 * Numbers of the shards that are not finished. The owner first checks those that are, and discards what is torn or
 * damaged; a helper believes what it finds.
 */
export async function missingShards(writer: GradientWriter, context: ClaimContext): Promise<number[]> {
  if (context.sharing?.isHelper) {
    const finished = await writer.finished();
    return Array.from({ length: writer.shardCount }, (_, shard) => shard).filter((s) => !finished.has(s));
  }
  const missing = await writer.missing((shard) => claimPiece(pieceOf(shard), context));
  const finished = writer.shardCount - missing.length;
  if (finished > 0) context.note(`resuming with ${finished} of ${writer.shardCount} shards finished`);
  return missing;
}

/**
 * Makes the shards that are missing and that no other process makes. Where it is the owner's call, all are finished at
 * its end. Throws what the maker throws, and `INTERRUPTED` when the signal ends the wait for others.
 *
 * @param tellMs after so many milliseconds the user is told for whom the owner waits
 */
export async function makeShards<T>(
  writer: GradientWriter,
  context: ClaimContext,
  maker: ShardMaker<T>,
  tellMs = TELL_MS,
): Promise<void> {
  await makeFree(writer, maker, (shard) => claimPiece(pieceOf(shard), context));
  if (context.sharing?.isHelper) return;
  await makeFree(writer, maker, (shard) => awaitPiece(pieceOf(shard), context, tellMs));
}

/** Goes through all shards once and makes those that `take` gives. */
async function makeFree<T>(writer: GradientWriter, maker: ShardMaker<T>, take: Take): Promise<void> {
  let writing: { shard: number; done: Promise<unknown> } | null = null;
  try {
    for (let shard = 0; shard < writer.shardCount; shard++) {
      if ((await writer.finished()).has(shard)) continue;
      const claimed = await take(shard);
      if (claimed === null) continue;
      try {
        const finished = await writer.finished();
        // Who had claimed it before may have finished it.
        const isDue = !finished.has(shard);
        if (writing !== null) finished.add(writing.shard);
        const computed = isDue ? await maker.compute(shard, imagesIn(writer, finished)) : null;
        await writing?.done;
        if (computed === null) await claimed.release();
        else writing = { shard, done: write(maker, shard, computed, claimed) };
      } catch (error) {
        await claimed.release();
        throw error;
      }
    }
  } finally {
    await writing?.done;
  }
}

function write<T>(maker: ShardMaker<T>, shard: number, computed: T, claimed: Claim): Promise<unknown> {
  const done = maker.write(shard, computed).finally(() => claimed.release());
  // Whoever waits for it is told of an error; until then it must not end the process.
  done.catch(() => undefined);
  return done;
}

function imagesIn(writer: GradientWriter, shards: ReadonlySet<number>): number {
  return [...shards].reduce((sum, shard) => sum + writer.imagesOf(shard).count, 0);
}

function pieceOf(shard: number): Piece {
  return { stem: shardStem(shard), name: `shard ${shard}` };
}
