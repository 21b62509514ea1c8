/**
 * Claims to the pieces of a shared artifact. Each is a lock of its own, so that a piece is made once; whoever dies
 * leaves a claim that is seen to be dead.
 */
import { join } from 'node:path';
import { PipelineError } from '../schemas/errors.ts';
import type { StageContext } from '../schemas/stage.ts';
import { acquireLock } from './lock-file.ts';

/** A wait for another process is told after so long, as most are short. */
export const TELL_MS = 10_000;

/** A piece is ours until this is released. */
export interface Claim {
  release(): Promise<void>;
}

export interface Piece {
  /** Of its lock, without an ending: `shard-00003`. */
  stem: string;
  /** In words: `shard 3`. */
  name: string;
}

export type ClaimContext = Pick<StageContext, 'sharing' | 'note' | 'signal'>;

const UNSHARED: Claim = { release: async () => undefined };

function pathOf(claims: string, { stem }: Piece): string {
  return join(claims, `${stem}.lock`);
}

/** The claim to a piece, or null where another process has it or the artifact is finished. */
export async function claimPiece(
  piece: Piece,
  { sharing }: Pick<ClaimContext, 'sharing'>,
): Promise<Claim | null> {
  if (sharing === undefined) return UNSHARED;
  try {
    return await acquireLock(pathOf(sharing.claims, piece), { purpose: piece.name, wait: false });
  } catch (error) {
    const isHeld = error instanceof PipelineError && error.code === 'ARTIFACT_LOCKED';
    // Without the folder for claims there is nothing left to claim.
    if (isHeld || (sharing.isHelper && (error as NodeJS.ErrnoException).code === 'ENOENT')) return null;
    throw error;
  }
}

/** The claim to a piece once it is free: its holder is done with it, or dead. */
export async function awaitPiece(
  piece: Piece,
  { sharing, note, signal }: ClaimContext,
  tellMs = TELL_MS,
): Promise<Claim> {
  if (sharing === undefined) return UNSHARED;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await acquireLock(pathOf(sharing.claims, piece), {
      purpose: piece.name,
      onWait: (holder) => {
        clearTimeout(timer);
        timer = setTimeout(() => note(`waiting for ${piece.name}, made by ${holder}`), tellMs);
      },
      signal,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Work that falls into pieces, each of which is made whole by one process. */
export interface SharedWork {
  pieces: readonly Piece[];
  /** Must become true before a piece's claim is released. */
  isDone(piece: number): boolean;
  make(piece: number): Promise<void>;
}

/**
 * Makes the pieces that are missing and that no other process makes. Where it is the owner's call, all are done at its
 * end; a helper waits for nobody. Throws what `make` throws, and `INTERRUPTED` when the signal ends the wait for others.
 */
export async function shareWork(
  { pieces, isDone, make }: SharedWork,
  context: ClaimContext,
  tellMs = TELL_MS,
): Promise<void> {
  const passes = [
    (piece: Piece) => claimPiece(piece, context),
    ...(context.sharing?.isHelper ? [] : [(piece: Piece) => awaitPiece(piece, context, tellMs)]),
  ];
  for (const take of passes) {
    for (const [i, piece] of pieces.entries()) {
      if (isDone(i)) continue;
      const claim = await take(piece);
      try {
        // Who had claimed it before may have finished it.
        if (claim !== null && !isDone(i)) await make(i);
      } finally {
        await claim?.release();
      }
    }
  }
}
