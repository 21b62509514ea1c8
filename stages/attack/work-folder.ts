/**
 * What an unfinished attack has found so far: a file for each part of each attack on each chunk of images, so that a
 * stop loses little, and one that says whose work it is.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PipelineError } from '../../schemas/errors.ts';
import type { Json, StageContext } from '../../schemas/stage.ts';
import { collectLeftovers, makeDirectory, writeFileAtomic } from '../../store/atomic-file.ts';
import { canonicalJson } from '../../store/content-hash.ts';
import { readTensors, writeTensors } from '../../store/tensor-file.ts';
import { stopIfAsked } from '../numerics/running.ts';
import type { PartOutcome } from './outcome.ts';

const FOLDER = 'work';
const IDENTITY = 'identity.json';
/** Written before the work is removed: whoever sees no work must look for it. */
const RESULT = 'attack.json';
const POLL_MS = 50;

/** Whose work it is. Anything else that is different would give other results. */
export interface WorkIdentity {
  /** Of the code. */
  version: number;
  /** Checksum of the attacked model. */
  model: string;
  /** Key of the data set. */
  data: string;
  settings: Json;
}

/** A part of an attack on a chunk. */
export interface Place {
  chunk: number;
  /** Number of the attack setting, and of the part of it. */
  setting: number;
  part: number;
}

export interface WorkFolder {
  /** Images of a chunk; the first process has chosen it. */
  chunkImages: number;
  /** File for the certificates of finished images. */
  certificates: string;
  /** What has been found there; null where it has not been made. */
  read(place: Place): PartOutcome | null;
  has(place: Place): boolean;
  /** As `has`, of one look at the folder. */
  look(): (place: Place) => boolean;
  /** @param points adversarial images of those that are broken, in their order, [broken × size]; null if not kept */
  write(place: Place, outcome: PartOutcome, points: Float32Array | null): Promise<void>;
  readPoints(place: Place): Promise<Float32Array>;
  /** Whether the artifact's results are written, so that no work is left to do. */
  isOver(): boolean;
  remove(): Promise<void>;
}

/**
 * Opens the work folder of an artifact, or makes it; a helper waits until there is one, and gets null where the work
 * ends before.
 *
 * @throws PipelineError `ARTIFACT_DAMAGED` where the work is another configuration's
 */
export async function openWork(
  context: Pick<StageContext, 'directory' | 'sharing' | 'signal'>,
  identity: WorkIdentity,
  chunkImages: number,
): Promise<WorkFolder | null> {
  const { directory, sharing } = context;
  const folder = join(directory, FOLDER);
  const path = join(folder, IDENTITY);
  if (sharing?.isHelper) {
    while (!existsSync(path)) {
      if (!existsSync(sharing.claims)) return null;
      stopIfAsked(context);
      await sleep(POLL_MS);
    }
  } else {
    await makeDirectory(folder);
    await collectLeftovers(folder);
    if (!existsSync(path)) {
      await rm(join(directory, RESULT), { force: true });
      await writeFileAtomic(path, `${JSON.stringify({ ...identity, chunkImages }, null, 2)}\n`);
    }
  }
  const found = JSON.parse(readFileSync(path, 'utf8')) as WorkIdentity & { chunkImages: number };
  requireSame(folder, identity, found);
  return accessTo(directory, folder, found.chunkImages);
}

function accessTo(directory: string, folder: string, chunkImages: number): WorkFolder {
  const stemOf = ({ chunk, setting, part }: Place) =>
    join(folder, `chunk-${String(chunk).padStart(5, '0')}-attack-${setting}-part-${part}`);
  const pathOf = (place: Place) => `${stemOf(place)}.json`;
  const pointsOf = (place: Place) => `${stemOf(place)}.safetensors`;
  return {
    chunkImages,
    certificates: join(folder, 'certificates.json'),
    has: (place) => existsSync(pathOf(place)),
    look() {
      const names = new Set(existsSync(folder) ? readdirSync(folder) : []);
      return (place) => names.has(basename(pathOf(place)));
    },
    read: (place) => (existsSync(pathOf(place)) ? readOutcome(pathOf(place)) : null),
    async write(place, outcome, points) {
      if (points !== null) {
        await writeTensors(pointsOf(place), { x: { shape: [points.length], data: points } });
      }
      await writeFileAtomic(pathOf(place), JSON.stringify(outcome));
    },
    async readPoints(place) {
      const { tensors } = await readTensors(pointsOf(place));
      return tensors.x!.data as Float32Array;
    },
    isOver: () => existsSync(join(directory, RESULT)),
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** Files are written whole or not at all; what is damaged all the same is told. */
function readOutcome(path: string): PartOutcome {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as PartOutcome;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new PipelineError(
      'ARTIFACT_DAMAGED',
      `Expected what an attack has found in ${path}, found text that is no JSON; remove that file and run the same command again, which attacks these images anew.`,
      { place: { files: [path] }, cause: error },
    );
  }
}

function requireSame(folder: string, expected: WorkIdentity, found: WorkIdentity): void {
  const names = { version: 'version', model: 'model', data: 'data set', settings: 'settings' } as const;
  const shown = (value: Json) => (typeof value === 'object' ? canonicalJson(value) : String(value));
  for (const key of ['version', 'model', 'data', 'settings'] as const) {
    const [wanted, there] = [shown(expected[key]), shown(found[key] ?? null)];
    if (wanted === there) continue;
    throw new PipelineError(
      'ARTIFACT_DAMAGED',
      `Expected the unfinished attack in ${folder} to be of the ${names[key]} ${wanted}, found ${there}; remove that folder and run the same command again, which attacks anew.`,
      { place: { artifact: folder, files: [IDENTITY] } },
    );
  }
}
