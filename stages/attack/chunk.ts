/** All attacks on one chunk of images: each part goes on with those that still stand, and is written down when it is done. */
import type { AttackSetting } from '../../schemas/attack-config.ts';
import { classOf } from '../numerics/attacks/attack.ts';
import { randomStream } from '../numerics/tensor/random.ts';
import { askOnce, attackImages, type PartWork, type Standing } from './attack-part.ts';
import { apply, type Outcome, standingIn, UNTARGETED, untouched } from './outcome.ts';
import type { NamedSetting } from './settings.ts';
import type { Surrogate, Victim } from './victim.ts';
import type { Place, WorkFolder } from './work-folder.ts';

/** What the attacks of a configuration need. */
export interface AttackWork {
  victim: Victim;
  settings: readonly NamedSetting[];
  /** By setting; null where images are made on the victim itself. */
  surrogates: readonly (Surrogate | null)[];
  folder: WorkFolder;
  /** Whether adversarial images are wanted afterwards. */
  keepsPoints: boolean;
}

/** Positions `first` … `first + count − 1`. */
export interface Chunk {
  number: number;
  first: number;
  count: number;
}

/** More images at a time fill no batch better. */
const MOST_IMAGES = 128;

/** Smaller differences would only leave rows of batches empty. */
const GRAIN = 16;

/** Images of a chunk where no setting says it: as many as fill batches, but so few that every process has some. */
export function chunkSize(images: number, processes: number): number {
  return Math.min(MOST_IMAGES, Math.ceil(images / processes / GRAIN) * GRAIN);
}

export function chunksOf(images: number, chunkImages: number): Chunk[] {
  return Array.from({ length: Math.ceil(images / chunkImages) }, (_, number) => {
    const first = number * chunkImages;
    return { number, first, count: Math.min(chunkImages, images - first) };
  });
}

/** Whether every part has been made. */
export function isDone({ settings, folder }: AttackWork, { number }: Chunk): boolean {
  return settings.every((named, setting) => isSettingDone(named, number, setting, folder.has));
}

function isSettingDone(
  { parts }: NamedSetting,
  chunk: number,
  setting: number,
  has: (place: Place) => boolean,
): boolean {
  return parts.every((_, part) => has({ chunk, setting, part }));
}

/** Images whose attack by a setting is over, summed over settings. */
export function imagesDone({ settings, folder }: AttackWork, chunks: readonly Chunk[]): number {
  const has = folder.look();
  return chunks.reduce((sum, { number, count }) => {
    const done = settings.filter((named, setting) => isSettingDone(named, number, setting, has));
    return sum + done.length * count;
  }, 0);
}

/** @param onImages called between batches with the images that are done, summed over settings */
export async function attackChunk(
  work: AttackWork,
  chunk: Chunk,
  onImages: (done: number) => Promise<void>,
): Promise<void> {
  const logits = cleanLogits(work.victim, chunk);
  for (const [index, { setting, parts }] of work.settings.entries()) {
    const outcome = begin(work.victim, setting, chunk, logits.map(classOf));
    for (const part of parts.keys()) {
      const told = (settled: number) =>
        onImages(
          index * chunk.count + Math.floor(((part + settled / chunk.count) / parts.length) * chunk.count),
        );
      await makePart(work, chunk, index, part, outcome, logits, told);
    }
    await onImages((index + 1) * chunk.count);
  }
}

/** Makes a part unless it is there, and adds it to the outcome of the chunk. */
async function makePart(
  { victim, settings, surrogates, folder, keepsPoints }: AttackWork,
  chunk: Chunk,
  setting: number,
  part: number,
  outcome: Outcome,
  logits: readonly Float32Array[],
  onSettled: (settled: number) => Promise<void>,
): Promise<void> {
  const place = { chunk: chunk.number, setting, part };
  const there = folder.read(place);
  if (there !== null) return apply(outcome, there, part, chunk.first);
  const rows = standingIn(outcome);
  const standing: Standing[] = rows.map((row) => ({
    position: chunk.first + row,
    target: outcome.target[row]!,
    cleanLogits: logits[row]!,
  }));
  const work: PartWork = { victim, part: settings[setting]!.parts[part]!, surrogate: surrogates[setting]! };
  const fallen = chunk.count - rows.length;
  const found = await attackImages(work, standing, (settled) => onSettled(fallen + settled));
  await folder.write(place, found.outcome, keepsPoints ? joined(found.points) : null);
  apply(outcome, found.outcome, part, chunk.first);
}

function joined(points: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(points.reduce((sum, point) => sum + point.length, 0));
  let at = 0;
  for (const point of points) {
    all.set(point, at);
    at += point.length;
  }
  return all;
}

/** What the victim says of clean images. */
export function cleanLogits(victim: Victim, { first, count }: Omit<Chunk, 'number'>): Float32Array[] {
  const clean = Array.from({ length: count }, (_, i) => ({
    x: victim.images.at(first + i),
    position: first + i,
  }));
  return askOnce(victim, clean, 'clean');
}

/** How a setting finds the images of a chunk. @param clean classes that the victim names */
export function begin(
  victim: Victim,
  { targeted }: Pick<AttackSetting, 'targeted'>,
  { first, count }: Omit<Chunk, 'number'>,
  clean: readonly number[],
): Outcome {
  const { images, seed, model } = victim;
  const positions = Array.from({ length: count }, (_, i) => first + i);
  const labels = positions.map((position) => images.labels[position]!);
  const targets = positions.map((position, i) =>
    targeted ? drawTarget(seed, images.indices[position]!, labels[i]!, model.classNames.length) : UNTARGETED,
  );
  return untouched(clean, labels, targets);
}

/** Another class than the true one, drawn by (seed, image). */
export function drawTarget(seed: number, image: number, label: number, classes: number): number {
  const other = randomStream(seed, 'attack-target', image).integer(classes - 1);
  return other < label ? other : other + 1;
}
