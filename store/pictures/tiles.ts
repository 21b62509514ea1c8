/** Images and input gradients as small rasters, one pixel per value, and rows of them. */
import { PipelineError } from '../../schemas/errors.ts';
import { diverging, type Rgb } from './colors.ts';
import { emptyRaster, paste, type Raster } from './png.ts';

/** Transparent pixels to the right of each tile of a row. */
export const TILE_GAP = 1;

/** One image or gradient, [height, width, channels] row-major with 1 or 3 channels. */
export interface Tile {
  height: number;
  width: number;
  channels: number;
  /** Bytes stand for [0, 1]. */
  data: Float32Array | Uint8Array;
}

/** An image with bytes, or values in [0, 1]; what lies outside is clipped. */
export function imageTile(tile: Tile): Raster {
  const scale = tile.data instanceof Uint8Array ? 1 : 255;
  return rasterOf(tile, (value, i) => {
    const byte = (offset: number) =>
      Math.round(Math.min(255, Math.max(0, scale * value(i * tile.channels + offset))));
    return tile.channels === 1 ? [byte(0), byte(0), byte(0)] : [byte(0), byte(1), byte(2)];
  });
}

/**
 * A signed gradient, divided by its own largest absolute value: one channel on a diverging map (blue negative,
 * white 0, red positive), three channels as 0.5 + g / 2. A gradient of zeros is the colour of 0 all over.
 */
export function gradientTile(tile: Tile): Raster {
  let largest = 0;
  for (const value of tile.data) largest = Math.max(largest, Math.abs(value));
  const scale = largest > 0 ? 1 / largest : 0;
  return rasterOf(tile, (value, i) => {
    if (tile.channels === 1) return diverging(value(i) * scale);
    const byte = (offset: number) => Math.round(255 * (0.5 + (value(i * 3 + offset) * scale) / 2));
    return [byte(0), byte(1), byte(2)];
  });
}

function rasterOf(tile: Tile, color: (value: (index: number) => number, pixel: number) => Rgb): Raster {
  checkTile(tile);
  const raster = emptyRaster(tile.width, tile.height);
  const value = (index: number) => tile.data[index]!;
  for (let pixel = 0; pixel < tile.width * tile.height; pixel++) {
    raster.rgba.set([...color(value, pixel), 255], pixel * 4);
  }
  return raster;
}

function checkTile(tile: Tile): void {
  if (tile.channels !== 1 && tile.channels !== 3) {
    const message = `Expected a picture of 1 or 3 channels, got ${tile.channels}. Convert the data set to gray or RGB images (dataset.grayscale).`;
    throw new PipelineError('SHAPE_MISMATCH', message);
  }
  const bad = tile.data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const message = `Expected finite values in a picture, got ${tile.data[bad]} at value ${bad} of ${tile.data.length}. The network that it comes from has overflowed: look at its training curves, and lower its learning rate or set clipNorm.`;
    throw new PipelineError('NOT_FINITE', message);
  }
}

/** Rasters of one size in a row, each followed by {@link TILE_GAP} transparent columns, so that all cells are alike. */
export function tileRow(tiles: Raster[]): Raster {
  const cell = tiles[0]!.width + TILE_GAP;
  const row = emptyRaster(cell * tiles.length, tiles[0]!.height);
  for (const [i, tile] of tiles.entries()) paste(tile, row, i * cell, 0);
  return row;
}
