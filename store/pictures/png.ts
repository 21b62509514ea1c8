/** Pictures as PNG. pngjs encodes with Node's own zlib, so that the same pixels give the same bytes. */
import { PNG } from 'pngjs';

/** Row-major 8-bit RGBA pixels. */
export interface Raster {
  width: number;
  height: number;
  rgba: Uint8Array;
}

/** A raster of transparent pixels. */
export function emptyRaster(width: number, height: number): Raster {
  return { width, height, rgba: new Uint8Array(width * height * 4) };
}

/** Copies `source` into `target` with its upper left corner at (left, top); it must fit. */
export function paste(source: Raster, target: Raster, left: number, top: number): void {
  for (let row = 0; row < source.height; row++) {
    const line = source.rgba.subarray(row * source.width * 4, (row + 1) * source.width * 4);
    target.rgba.set(line, ((top + row) * target.width + left) * 4);
  }
}

/** Bytes of a PNG file with the raster's pixels. */
export function encodePng(raster: Raster): Uint8Array {
  const png = new PNG({ width: raster.width, height: raster.height });
  png.data.set(raster.rgba);
  return PNG.sync.write(png, { deflateLevel: 9 });
}

/** The raster as `data:image/png;base64,…`, for `src` and `href`. */
export function pngDataUri(raster: Raster): string {
  return `data:image/png;base64,${Buffer.from(encodePng(raster)).toString('base64')}`;
}
