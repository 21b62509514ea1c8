import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { PipelineError } from '../../../schemas/errors.ts';
import { encodePng, pngDataUri } from '../../../store/pictures/png.ts';
import { gradientTile, imageTile, tileRow } from '../../../store/pictures/tiles.ts';

const tile = (channels: number, data: number[]) => ({
  height: 1,
  width: data.length / channels,
  channels,
  data: Float32Array.from(data),
});

/** Pixels as another decoder sees them. */
async function pixelsOf(png: Uint8Array): Promise<number[]> {
  return [...(await sharp(png).ensureAlpha().raw().toBuffer())];
}

describe('tiles', () => {
  it('draw an image in gray, clipped to [0, 1]', async () => {
    const png = encodePng(imageTile(tile(1, [0, 0.5, 1, -1, 2])));
    expect(await pixelsOf(png)).toEqual([0, 128, 255, 0, 255].flatMap((v) => [v, v, v, 255]));
  });

  it('draw the bytes of an image as they are', async () => {
    const png = encodePng(imageTile({ ...tile(3, [0, 0, 0]), data: Uint8Array.of(7, 128, 255) }));
    expect(await pixelsOf(png)).toEqual([7, 128, 255, 255]);
  });

  it('draw an image in colour', async () => {
    expect(await pixelsOf(encodePng(imageTile(tile(3, [1, 0.2, 0]))))).toEqual([255, 51, 0, 255]);
  });

  it('draw a gradient of one channel on the diverging map, divided by its largest value', async () => {
    const ends = [5, 48, 97, 255, 247, 247, 247, 255, 103, 0, 31, 255];
    expect(await pixelsOf(encodePng(gradientTile(tile(1, [-3, 0, 3]))))).toEqual(ends);
    const half = await pixelsOf(encodePng(gradientTile(tile(1, [-4, 0, 2]))));
    expect(half.slice(0, 8)).toEqual(ends.slice(0, 8));
    expect(half.slice(8, 11)).toEqual([229, 131, 104]); // between [244, 165, 130] and [214, 96, 77]
  });

  it('draw a gradient in colour as 0.5 + g / (2 max)', async () => {
    const png = encodePng(gradientTile(tile(3, [2, -2, 0, 1, -1, 0])));
    expect(await pixelsOf(png)).toEqual([255, 0, 128, 255, 191, 64, 128, 255]);
  });

  it('draw a gradient of zeros as zero', async () => {
    expect(await pixelsOf(encodePng(gradientTile(tile(1, [0, 0]))))).toEqual([
      247, 247, 247, 255, 247, 247, 247, 255,
    ]);
  });

  it('stand in a row with a transparent column after each', async () => {
    const row = tileRow([imageTile(tile(1, [1, 1])), imageTile(tile(1, [0, 0]))]);
    const [white, black, gap] = [
      [255, 255, 255, 255],
      [0, 0, 0, 255],
      [0, 0, 0, 0],
    ];
    expect(await pixelsOf(encodePng(row))).toEqual([white, white, gap, black, black, gap].flat());
    expect(pngDataUri(row)).toMatch(/^data:image\/png;base64,[A-Za-z0-9+/]+=*$/);
  });

  it('say what is wrong with other channels and values', () => {
    expect(() => imageTile(tile(2, [0, 0]))).toThrow(
      new PipelineError(
        'SHAPE_MISMATCH',
        'Expected a picture of 1 or 3 channels, got 2. Convert the data set to gray or RGB images (dataset.grayscale).',
      ),
    );
    expect(() => gradientTile(tile(1, [0, Number.NaN]))).toThrow(
      new PipelineError(
        'NOT_FINITE',
        'Expected finite values in a picture, got NaN at value 1 of 2. The network that it comes from has overflowed: look at its training curves, and lower its learning rate or set clipNorm.',
      ),
    );
  });
});
