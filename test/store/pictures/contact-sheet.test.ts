/** Contact sheets, looked at with another decoder. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { contactSheet } from '../../../store/pictures/contact-sheet.ts';
import { encodePng, type Raster } from '../../../store/pictures/png.ts';
import { textRaster } from '../../../store/pictures/text.ts';
import { imageTile } from '../../../store/pictures/tiles.ts';

const gray = (width: number, ...data: number[]): Raster =>
  imageTile({ width, height: data.length / width, channels: 1, data: Uint8Array.from(data) });

/** Rows of gray values, with a dot for white. */
async function look(sheet: Raster): Promise<string[]> {
  const { data, info } = await sharp(encodePng(sheet)).raw().toBuffer({ resolveWithObject: true });
  expect({ width: info.width, height: info.height }).toEqual({ width: sheet.width, height: sheet.height });
  const pixel = (x: number, y: number) => {
    const [red, green, blue, alpha] = data.subarray((y * info.width + x) * 4, (y * info.width + x) * 4 + 4);
    expect([green, blue, alpha]).toEqual([red, red, 255]);
    return red === 255 ? '.' : String(red);
  };
  return Array.from({ length: info.height }, (_, y) =>
    Array.from({ length: info.width }, (_, x) => pixel(x, y)).join(''),
  );
}

describe('a contact sheet', () => {
  it('puts tiles in rows, with white around each', async () => {
    const tiles = [gray(2, 1, 2, 3, 4), gray(2, 5, 6, 7, 8), gray(2, 9, 0, 1, 2)];
    expect(await look(contactSheet(tiles, { columns: 2, gap: 1 }))).toEqual([
      '.......',
      '.12.56.',
      '.34.78.',
      '.......',
      '.90....',
      '.12....',
      '.......',
    ]);
  });

  it('enlarges pixels to squares, and gives every tile the place of the largest', async () => {
    const tiles = [gray(1, 1), null, gray(2, 3, 4)];
    expect(await look(contactSheet(tiles, { columns: 3, gap: 1, magnification: 2 }))).toEqual([
      '................',
      '.11........3344.',
      '.11........3344.',
      '................',
    ]);
  });

  it('is no wider than its tiles', async () => {
    expect(await look(contactSheet([gray(1, 7)], { columns: 5, gap: 0 }))).toEqual(['7']);
  });

  it('writes captions beside the middle of their rows', async () => {
    const tiles = [gray(1, 1), gray(1, 2)];
    expect(await look(contactSheet(tiles, { columns: 1, gap: 1, captions: ['i', 'T7'] }))).toEqual([
      '...............',
      '...0.........1.',
      '...............',
      '..00...........',
      '...0...........',
      '...0...........',
      '...0...........',
      '..000..........',
      '...............',
      '...............',
      '.00000.00000.2.',
      '...0.......0...',
      '...0......0....',
      '...0.....0.....',
      '...0....0......',
      '...0....0......',
      '...0....0......',
      '...............',
      '...............',
    ]);
  });
});

describe('text', () => {
  it('has a glyph of its own for every letter of ASCII', () => {
    const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
    const pictures = new Set(ascii.map((letter) => textRaster(letter).rgba.join()));
    expect(pictures.size).toBe(95);
  });

  it('leaves accents out, and puts question marks for other scripts', () => {
    expect(textRaster('Éclair 中')).toEqual(textRaster('Eclair ?'));
    expect(textRaster('').width).toBe(0);
  });
});
