/** The adversarial images that the configuration asks to keep, as arrays and as pictures. */
import { join } from 'node:path';
import type { AttackConfig } from '../../schemas/attack-config.ts';
import { makeDirectory, writeFileAtomic } from '../../store/atomic-file.ts';
import { writeNpz } from '../../store/npz.ts';
import { contactSheet } from '../../store/pictures/contact-sheet.ts';
import { encodePng, type Raster } from '../../store/pictures/png.ts';
import { gradientTile, imageTile } from '../../store/pictures/tiles.ts';
import type { AttackWork, Chunk } from './chunk.ts';
import type { Merged } from './merge.ts';
import type { Victim } from './victim.ts';

/** Images on a sheet at most. */
const SHEET_IMAGES = 60;
const SHEET_COLUMNS = 12;

/** One adversarial image. */
interface Kept {
  position: number;
  x: Float32Array;
}

/**
 * Writes `adversarial/<number>-<attack>.npz` (x, label, prediction, index) and `.png` (a sheet), and for pictures a file
 * for each image in a folder of that name.
 */
export async function keepImages(
  work: AttackWork,
  chunks: readonly Chunk[],
  merged: readonly Merged[],
  { directory, keep }: { directory: string; keep: AttackConfig['keep'] },
): Promise<void> {
  const folder = join(directory, 'adversarial');
  await makeDirectory(folder);
  for (const [setting, one] of merged.entries()) {
    const stem = join(folder, `${setting}-${slugOf(one.name)}`);
    const kept = await pointsOf(work, chunks, setting, one);
    if (keep === 'npz' || keep === 'both') await writeArrays(`${stem}.npz`, work.victim, one, kept);
    const isPicture = work.victim.dataset.info.shape.length === 3;
    if ((keep === 'png' || keep === 'both') && isPicture) await writePictures(stem, work.victim, kept);
  }
}

function slugOf(name: string): string {
  return name.replace(/[^A-Za-z0-9.]+/g, '-').replace(/-+$/, '');
}

/** In the order of positions. */
async function pointsOf(
  { folder, victim }: AttackWork,
  chunks: readonly Chunk[],
  setting: number,
  { parts }: Merged,
): Promise<Kept[]> {
  const { size } = victim.dataset;
  const kept: Kept[] = [];
  for (const { number: chunk } of chunks) {
    for (const part of parts.keys()) {
      const place = { chunk, setting, part };
      const { positions, broken } = folder.read(place)!;
      const points = await folder.readPoints(place);
      const fallen = positions.filter((_, row) => broken[row]);
      kept.push(...fallen.map((position, i) => ({ position, x: points.subarray(i * size, (i + 1) * size) })));
    }
  }
  return kept.sort((a, b) => a.position - b.position);
}

async function writeArrays(
  path: string,
  { dataset, images }: Victim,
  { outcome }: Merged,
  kept: readonly Kept[],
): Promise<void> {
  const x = new Float32Array(kept.length * dataset.size);
  for (const [i, point] of kept.entries()) x.set(point.x, i * dataset.size);
  const column = (of: (position: number) => number) => ({
    shape: [kept.length],
    data: Int32Array.from(kept, ({ position }) => of(position)),
  });
  await writeNpz(path, {
    x: { shape: [kept.length, ...dataset.info.shape], data: x },
    label: column((position) => images.labels[position]!),
    prediction: column((position) => outcome.prediction[position]!),
    index: column((position) => images.indices[position]!),
  });
}

/** On the sheet each adversarial image stands between the clean one and the difference. */
async function writePictures(
  stem: string,
  { dataset, images }: Victim,
  kept: readonly Kept[],
): Promise<void> {
  if (kept.length === 0) return;
  const [height, width, channels] = dataset.info.shape as [number, number, number];
  const tile = (data: Float32Array) => ({ height, width, channels, data });
  const rows: { caption: string; tiles: (Raster | null)[] }[] = [];
  const shown = kept.slice(0, SHEET_IMAGES);
  for (let first = 0; first < shown.length; first += SHEET_COLUMNS) {
    const row = shown.slice(first, first + SHEET_COLUMNS);
    const pad = (tiles: Raster[]) => [...tiles, ...new Array<null>(SHEET_COLUMNS - tiles.length).fill(null)];
    const clean = row.map(({ position }) => images.at(position));
    rows.push(
      { caption: 'clean', tiles: pad(clean.map((x) => imageTile(tile(x)))) },
      { caption: 'adversarial', tiles: pad(row.map(({ x }) => imageTile(tile(x)))) },
      {
        caption: 'difference',
        tiles: pad(row.map(({ x }, i) => gradientTile(tile(x.map((value, j) => value - clean[i]![j]!))))),
      },
    );
  }
  const magnification = Math.max(1, Math.floor(64 / Math.max(height, width)));
  const sheet = contactSheet(
    rows.flatMap(({ tiles }) => tiles),
    { columns: SHEET_COLUMNS, magnification, captions: rows.map(({ caption }) => caption) },
  );
  await writeFileAtomic(`${stem}.png`, encodePng(sheet));
  await makeDirectory(stem);
  for (const { position, x } of kept) {
    const name = `${String(images.indices[position]).padStart(6, '0')}.png`;
    await writeFileAtomic(join(stem, name), encodePng(imageTile(tile(x))));
  }
}
