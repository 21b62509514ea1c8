/** Many pictures on one: tiles in rows, enlarged by whole numbers, captions to the left of their rows. */
import { emptyRaster, paste, type Raster } from './png.ts';
import { GLYPH_HEIGHT, textRaster, textWidth } from './text.ts';

export interface SheetOptions {
  /** Tiles in a row. */
  columns: number;
  /** White pixels around each tile. @default 2 */
  gap?: number;
  /** Side, in pixels of the sheet, of one pixel of a tile. @default 1 */
  magnification?: number;
  /** One for each row; rows beyond the last caption have none. */
  captions?: readonly string[];
}

/** Captions are never larger than that, however large the tiles are. */
const LARGEST_TEXT = 2;

/**
 * Tiles row by row on white. A tile that is smaller than the largest stands in the upper left of its place.
 *
 * @param tiles such as `imageTile` and `gradientTile` make, at least one; null leaves its place white
 */
export function contactSheet(tiles: readonly (Raster | null)[], options: SheetOptions): Raster {
  const { columns, gap = 2, magnification = 1, captions = [] } = options;
  const enlarged = tiles.map((tile) => (tile === null ? null : magnify(tile, magnification)));
  const width = gap + largest(enlarged.map((tile) => tile?.width ?? 0));
  const height = gap + largest(enlarged.map((tile) => tile?.height ?? 0));
  const rows = Math.ceil(tiles.length / columns);
  const textScale = Math.max(1, Math.min(LARGEST_TEXT, Math.floor((height - gap) / GLYPH_HEIGHT / 2)));
  const captionWidth = textScale * largest(captions.map(textWidth));
  const left = captionWidth === 0 ? gap : captionWidth + 2 * gap;
  const rowHeight = captionWidth === 0 ? height : Math.max(height, GLYPH_HEIGHT * textScale + gap);

  const sheet = emptyRaster(left + Math.min(columns, tiles.length) * width, gap + rows * rowHeight);
  sheet.rgba.fill(255);
  for (const [i, tile] of enlarged.entries()) {
    if (tile === null) continue;
    paste(tile, sheet, left + (i % columns) * width, gap + Math.floor(i / columns) * rowHeight);
  }
  for (const [row, caption] of captions.slice(0, rows).entries()) {
    const text = magnify(textRaster(caption), textScale);
    paste(text, sheet, gap, gap + row * rowHeight + Math.floor((rowHeight - gap - text.height) / 2));
  }
  return sheet;
}

function largest(sizes: readonly number[]): number {
  return sizes.reduce((most, size) => Math.max(most, size), 0);
}

/** Each pixel as a square of `times` × `times`. */
export function magnify(source: Raster, times: number): Raster {
  if (times === 1) return source;
  const result = emptyRaster(source.width * times, source.height * times);
  for (let y = 0; y < result.height; y++) {
    for (let x = 0; x < result.width; x++) {
      const from = (Math.floor(y / times) * source.width + Math.floor(x / times)) * 4;
      result.rgba.set(source.rgba.subarray(from, from + 4), (y * result.width + x) * 4);
    }
  }
  return result;
}
