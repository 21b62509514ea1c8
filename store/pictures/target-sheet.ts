/** A picture of images and all their target gradients, with the names of the classes below. */
import { contactSheet, magnify } from './contact-sheet.ts';
import { emptyRaster, paste, type Raster } from './png.ts';
import { GLYPH_HEIGHT, textRaster, textWidth } from './text.ts';
import { gradientTile, imageTile } from './tiles.ts';

/** Pictures are enlarged, by a whole number, to about so many pixels. */
const SIDE = 84;
/** Tiles in a row at most, so that data sets of a hundred classes still give a page. */
const MOST_COLUMNS = 11;
const TEXT_SCALE = 1;
const GAP = 3;

/** One image, [height, width, channels], and its targets. */
export interface ShownTargets {
  /** Below the image, e.g. `17: cat`. */
  caption: string;
  /** In [0, 1]. */
  image: Float32Array;
  /** Below each gradient. */
  captions: readonly string[];
  /** [targets × size] */
  gradients: Float32Array;
}

/** What the colours mean, for the picture and for people. */
export function scaleOf(channels: number): string {
  return channels === 1
    ? 'each gradient over its own largest |g|: blue below 0, white 0, red above'
    : 'each gradient over its own largest |g|: gray 0, brighter above, darker below';
}

/** The image first, then its targets in their order; each image begins a row. */
export function targetSheet(shown: readonly ShownTargets[], shape: readonly number[]): Raster {
  const [height, width, channels] = shape as [number, number, number];
  const size = height * width * channels;
  const times = Math.max(1, Math.round(SIDE / Math.max(height, width)));
  const cells = 1 + shown[0]!.captions.length;
  const columns = Math.min(MOST_COLUMNS, cells);
  const tiles = shown.flatMap(({ caption, image, captions, gradients }) => {
    const own = [
      captioned(imageTile({ height, width, channels, data: image }), caption, times),
      ...captions.map((text, slot) => {
        const data = gradients.subarray(slot * size, (slot + 1) * size);
        return captioned(gradientTile({ height, width, channels, data }), text, times);
      }),
    ];
    return [...own, ...new Array<null>((columns - (cells % columns)) % columns).fill(null)];
  });
  return titled(contactSheet(tiles, { columns, gap: GAP }), scaleOf(channels));
}

/** The picture, enlarged, above its caption, which is cut to its width. */
function captioned(picture: Raster, caption: string, times: number): Raster {
  const large = magnify(picture, times);
  const text = magnify(textRaster(shorten(caption, large.width / TEXT_SCALE)), TEXT_SCALE);
  const raster = white(large.width, large.height + 1 + GLYPH_HEIGHT * TEXT_SCALE);
  paste(large, raster, 0, 0);
  paste(text, raster, Math.floor((large.width - text.width) / 2), large.height + 1);
  return raster;
}

function shorten(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let end = text.length;
  while (end > 0 && textWidth(`${text.slice(0, end)}..`) > width) end--;
  return end === 0 ? '' : `${text.slice(0, end)}..`;
}

function titled(sheet: Raster, title: string): Raster {
  const text = textRaster(title);
  const raster = white(Math.max(sheet.width, text.width + 2 * GAP), sheet.height + GLYPH_HEIGHT + GAP);
  paste(text, raster, GAP, GAP);
  paste(sheet, raster, 0, GLYPH_HEIGHT + GAP);
  return raster;
}

function white(width: number, height: number): Raster {
  const raster = emptyRaster(width, height);
  raster.rgba.fill(255);
  return raster;
}
