/** A sheet of samples: a row for each class and one without class, named at its left; a column has one noise. */
import { sizeOf } from '../../../schemas/shape.ts';
import { contactSheet } from '../../../store/pictures/contact-sheet.ts';
import { encodePng } from '../../../store/pictures/png.ts';
import { imageTile } from '../../../store/pictures/tiles.ts';
import type { ScoreModel } from './denoise.ts';
import { drawSamples, type SampleSettings } from './samplers/draw-samples.ts';

export interface SheetSettings extends SampleSettings {
  /** Pictures in a row. */
  perClass: number;
  /** Classes to draw, beside the row without class. */
  classes: readonly number[];
}

/** Small pictures are enlarged to about this side, in pixels. */
const SIDE = 64;

/**
 * @param shape [height, width, channels] of an image
 * @param classNames of all classes of the model
 * @returns bytes of a PNG file
 */
export async function sampleSheet(
  model: ScoreModel,
  shape: readonly number[],
  classNames: readonly string[],
  settings: SheetSettings,
  afterBatch?: (done: number) => void | Promise<void>,
): Promise<Uint8Array> {
  const [height, width, channels] = shape as [number, number, number];
  const size = sizeOf(shape);
  const rows: (number | null)[] = [...settings.classes, null];
  const asked = rows.flatMap((label) =>
    Array.from({ length: settings.perClass }, (_, noise) => ({ label, noise })),
  );
  const samples = await drawSamples(model, shape, asked, settings, afterBatch);
  const tiles = asked.map((_, i) =>
    imageTile({ height, width, channels, data: samples.subarray(i * size, (i + 1) * size) }),
  );
  const sheet = contactSheet(tiles, {
    columns: settings.perClass,
    magnification: Math.max(1, Math.floor(SIDE / Math.max(height, width))),
    captions: rows.map((label) => (label === null ? 'no class' : classNames[label]!)),
  });
  return encodePng(sheet);
}
