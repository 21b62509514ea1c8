import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PNG } from 'pngjs';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../store/content-hash.ts';
import { readImageFolder } from '../../../store/datasets/image-folder.ts';
import { inMemory } from '../support/in-memory.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { thrownBy } from '../support/thrown-by.ts';
import { madeByPython } from './python-fixtures.ts';

type Color = [number, number, number] | [number, number, number, number];
const RED: Color = [255, 0, 0];
const GREEN: Color = [0, 255, 0];
const BLUE: Color = [0, 0, 255];
const GRAY: Color = [90, 90, 90];

/** A PNG written by another program than the one that reads it. */
function png(width: number, height: number, colorOf: (x: number, y: number) => Color): Buffer {
  const picture = new PNG({ width, height });
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [red, green, blue, alpha = 255] = colorOf(x, y);
      picture.data.set([red, green, blue, alpha], 4 * (y * width + x));
    }
  }
  return PNG.sync.write(picture);
}

const plain = (color: Color): Buffer => png(4, 4, () => color);
const all = (color: number[], pixels = 16): number[] => Array.from({ length: pixels }, () => color).flat();

async function folderOf(files: Record<string, Uint8Array | string>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
  return folder;
}

const small: Record<string, Buffer> = {
  'train/dog/b.png': plain(RED),
  'train/dog/a.PNG': plain(GREEN),
  'train/cat/x.png': plain(BLUE),
  'test/dog/a.png': plain(BLUE),
  'test/cat/a.png': plain(RED),
};

describe('pictures', () => {
  test('classes and files are sorted by name, other files are passed over', async () => {
    const others = {
      'train/dog/notes.txt': 'x',
      'train/dog/.hidden.png': 'x',
      'train/.git/a.png': 'x',
      'train/list.csv': '',
    };
    const folder = await folderOf({ ...small, ...others });
    const {
      shape,
      classNames,
      train,
      test: testSplit,
      sources,
    } = await inMemory(await readImageFolder(folder, { size: 4, grayscale: false }));
    expect({ shape, classNames }).toEqual({ shape: [4, 4, 3], classNames: ['cat', 'dog'] });
    expect([...train.labels]).toEqual([0, 1, 1]);
    expect([...train.images]).toEqual([...all(BLUE), ...all(GREEN), ...all(RED)]);
    expect([...testSplit.labels]).toEqual([0, 1]);
    expect([...testSplit.images]).toEqual([...all(RED), ...all(BLUE)]);
    const [a, b] = [small['train/dog/a.PNG']!, small['train/dog/b.png']!];
    expect(sources.map(({ name }) => name)).toEqual(['train/cat', 'train/dog', 'test/cat', 'test/dog']);
    expect(sources[1]).toEqual({
      name: 'train/dog',
      bytes: a.length + b.length,
      sha256: sha256(`a.PNG ${sha256(a)}\nb.png ${sha256(b)}`),
    });
  });

  test('links to classes and to pictures are followed', async () => {
    const folder = await folderOf({ ...small, 'elsewhere/cow/a.png': plain(GRAY) });
    for (const split of ['train', 'test']) {
      await symlink(join(folder, 'elsewhere/cow'), join(folder, split, 'cow'));
      await symlink('a.png', join(folder, split, split === 'train' ? 'cow/b.png' : 'cow/c.png'));
    }
    const { classNames, train } = await inMemory(
      await readImageFolder(folder, { size: 4, grayscale: false }),
    );
    expect([classNames, [...train.labels]]).toEqual([
      ['cat', 'cow', 'dog'],
      [0, 1, 1, 1, 2, 2],
    ]);
    expect([...train.images.subarray(48, 4 * 48)]).toEqual([...all(GRAY), ...all(GRAY), ...all(GRAY)]);
  });

  test('a picture of the right size is taken over pixel by pixel', async () => {
    const noise = png(4, 4, (x, y) => [x * 60, y * 50 + 3, (x * y * 29) % 256]);
    const folder = await folderOf({ ...small, 'test/dog/a.png': noise });
    const { test: testSplit } = await inMemory(await readImageFolder(folder, { size: 4, grayscale: false }));
    const pixels = [0, 1, 2, 3].flatMap((y) =>
      [0, 1, 2, 3].flatMap((x) => [x * 60, y * 50 + 3, (x * y * 29) % 256]),
    );
    expect([...testSplit.images.subarray(48)]).toEqual(pixels);
  });

  test('a wide picture is cut evenly on both sides, a large one is shrunk', async () => {
    const wide = png(8, 4, (x) => (x < 2 ? RED : x < 6 ? GREEN : BLUE));
    const large = png(400, 300, () => GRAY);
    const folder = await folderOf({ ...small, 'test/cat/a.png': wide, 'test/dog/a.png': large });
    const { test: testSplit } = await inMemory(await readImageFolder(folder, { size: 4, grayscale: false }));
    expect([...testSplit.images]).toEqual([...all(GREEN), ...all(GRAY)]);
  });

  test('gray pictures have one channel, gray files serve as color, what is transparent is black', async () => {
    const gray = await sharp(Buffer.alloc(16, 90), { raw: { width: 4, height: 4, channels: 1 } })
      .png()
      .toBuffer();
    const clear = png(4, 4, () => [200, 200, 200, 0]);
    const folder = await folderOf({ ...small, 'test/cat/a.png': gray, 'test/dog/a.png': clear });
    const inGray = await inMemory(await readImageFolder(folder, { size: 4, grayscale: true }));
    expect(inGray.shape).toEqual([4, 4, 1]);
    expect([...inGray.test.images]).toEqual([...all([90]), ...all([0])]);
    const inColor = await inMemory(await readImageFolder(folder, { size: 4, grayscale: false }));
    expect([...inColor.test.images]).toEqual([...all(GRAY), ...all([0, 0, 0])]);
  });

  test('16-bit pictures become bytes', async () => {
    const deep = await sharp(plain(GRAY)).toColourspace('rgb16').png().toBuffer();
    expect((await sharp(deep).metadata()).depth).toBe('ushort');
    const folder = await folderOf({ ...small, 'test/cat/a.png': deep });
    const { test: testSplit } = await inMemory(await readImageFolder(folder, { size: 4, grayscale: false }));
    expect([...testSplit.images.subarray(0, 48)]).toEqual(all(GRAY));
  });

  test('jpeg and webp are read, and a turned photograph is set upright', async () => {
    const halves = sharp(png(16, 16, (_, y) => (y < 8 ? [0, 0, 0] : [255, 255, 255])));
    // Orientation 3: the camera was held upside down.
    const turned = await halves.clone().withMetadata({ orientation: 3 }).jpeg({ quality: 100 }).toBuffer();
    const webp = await halves.clone().webp({ lossless: true }).toBuffer();
    const folder = await folderOf({ ...small, 'test/cat/a.jpeg': turned, 'test/dog/a.webp': webp });
    await rm(join(folder, 'test/cat/a.png'));
    await rm(join(folder, 'test/dog/a.png'));
    const { test: testSplit } = await inMemory(await readImageFolder(folder, { size: 16, grayscale: true }));
    const rowMean = (image: number, row: number): number =>
      testSplit.images
        .subarray(256 * image + 16 * row, 256 * image + 16 * row + 16)
        .reduce((sum, v) => sum + v, 0) / 16;
    expect(rowMean(0, 2)).toBeGreaterThan(250);
    expect(rowMean(0, 13)).toBeLessThan(5);
    expect([rowMean(1, 2), rowMean(1, 13)]).toEqual([0, 255]);
  });

  test('what Pillow writes is what Pillow reads, in every mode', async () => {
    const { folder, told } = await madeByPython<{ modes: string[]; pixels: number[][] }>(`
from PIL import Image, ImageOps
array = np.zeros((8, 8, 3), np.uint8)
array[:, :4], array[:, 4:], array[:4] = (200, 40, 90), (10, 220, 120), array[:4] + 30
whole = Image.fromarray(array)
turned = Image.Exif(); turned[0x0112] = 6
fine = dict(quality=100, subsampling=0)
pictures = [
    ('gray', whole.convert('L'), 'png', {}), ('palette', whole.convert('P', palette=Image.ADAPTIVE), 'png', {}),
    ('one bit', whole.convert('1'), 'png', {}), ('gray and alpha', whole.convert('LA'), 'png', {}),
    ('webp', whole, 'webp', {'lossless': True}), ('png turned', whole, 'png', {'exif': turned}),
    ('jpeg', whole, 'jpg', fine), ('jpeg gray', whole.convert('L'), 'jpg', {'quality': 100}),
    ('jpeg progressive', whole, 'jpg', {**fine, 'progressive': True}), ('jpeg turned', whole, 'jpg', {**fine, 'exif': turned}),
]
pixels = []
for i, (name, picture, ending, options) in enumerate(pictures):
    for split in ['train', 'test']:
        os.makedirs(f'{split}/{i:02d}')
        picture.save(f'{split}/{i:02d}/a.{ending}', **options)
    pixels.append(np.asarray(ImageOps.exif_transpose(Image.open(f'test/{i:02d}/a.{ending}')).convert('RGB')).ravel().tolist())
deep = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000
for split in ['train', 'test']:
    for name, picture in [('98', Image.fromarray(deep)), ('99', Image.new('CMYK', (8, 8), (0, 0, 0, 0)))]:
        os.makedirs(f'{split}/{name}')
        picture.save(f'{split}/{name}/a.' + ('png' if name == '98' else 'jpg'))
pixels += [(deep >> 8).repeat(3).tolist(), [255] * 192]
print(json.dumps({'modes': [name for name, *_ in pictures] + ['16 bits', 'cmyk'], 'pixels': pixels}))`);
    const { test: testSplit } = await inMemory(await readImageFolder(folder, { size: 8, grayscale: false }));
    const furthest = told.pixels.map((wanted, i) =>
      wanted.reduce(
        (most, value, at) => Math.max(most, Math.abs(value - testSplit.images[192 * i + at]!)),
        0,
      ),
    );
    // Two decoders may round JPEG's sums, and 16 bits, another way.
    const allowed = told.modes.map((mode) => (/jpeg|16|cmyk/.test(mode) ? 2 : 0));
    expect(told.modes.filter((_, i) => furthest[i]! > allowed[i]!)).toEqual([]);
  });

  test('more pictures than are decoded at a time stay in order', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 21 }, (_, i) => [
        `train/cat/${String(i).padStart(2, '0')}.png`,
        plain([i, 2 * i, 3 * i]),
      ]),
    );
    const folder = await folderOf({ ...small, ...many });
    const { train } = await inMemory(await readImageFolder(folder, { size: 4, grayscale: false }));
    expect(Array.from({ length: 21 }, (_, i) => train.images[48 * i + 1])).toEqual(
      Array.from({ length: 21 }, (_, i) => 2 * i),
    );
  });
});

describe('what can be wrong', () => {
  const options = { size: 4, grayscale: false };
  const without = (...prefixes: string[]): Record<string, Buffer> =>
    Object.fromEntries(
      Object.entries(small).filter(([name]) => !prefixes.some((prefix) => name.startsWith(prefix))),
    );

  test('folders that are missing', async () => {
    const advice =
      'Put them there, or name the data directory with --data DIR or the environment variable PAG_DATA.';
    const folder = await folderOf(without('test/'));
    expect(await thrownBy(readImageFolder(folder, options))).toEqual({
      code: 'DATA_MISSING',
      message: `Expected the folders train and test in ${folder}, each with one folder of pictures per class, found no test. ${advice}`,
    });
    expect(await thrownBy(readImageFolder('/nowhere', options))).toEqual({
      code: 'DATA_MISSING',
      message: `Expected the folders train and test in /nowhere, each with one folder of pictures per class, found no train and no test. ${advice}`,
    });
  });

  test('classes that differ', async () => {
    const folder = await folderOf({
      ...small,
      'train/cow/a.png': '',
      'test/Dog/a.png': '',
      'test/owl/a.png': '',
    });
    expect(await thrownBy(readImageFolder(folder, options))).toEqual({
      code: 'DATA_DAMAGED',
      message: `Expected the same classes in train and test of ${folder}, found cow only in train and Dog, owl only in test. Add the missing folders or rename them.`,
    });
  });

  test('a single class', async () => {
    const one = await folderOf(without('train/cat', 'test/cat'));
    expect(await thrownBy(readImageFolder(one, options))).toEqual({
      code: 'DATA_DAMAGED',
      message: `Expected 2 to 65536 classes, one folder each, in ${join(one, 'train')}, found 1. Sort the pictures into folders named after their classes.`,
    });
  });

  test('a class without pictures', async () => {
    const folder = await folderOf({ ...without('test/cat'), 'test/cat/readme.txt': 'none yet' });
    expect(await thrownBy(readImageFolder(folder, options))).toEqual({
      code: 'DATA_MISSING',
      message: `Expected pictures (.png, .jpg, .jpeg, .webp) in ${join(folder, 'test/cat')}, found none. Put some there, or remove the class from all splits.`,
    });
  });

  test('a link to nothing, and a folder that is named as a picture', async () => {
    const folder = await folderOf(small);
    const path = join(folder, 'test/cat/b.png');
    const found = async () => (await thrownBy(readImageFolder(folder, options).then(inMemory))).message;
    const sentence = (code: string) =>
      `Expected a picture in ${path}, found what cannot be read as a file (${code}). Replace the file by a fresh copy.`;
    await symlink('nowhere.png', path);
    expect(await found()).toBe(sentence('ENOENT'));
    await rm(path);
    await mkdir(path);
    expect(await found()).toBe(sentence('EISDIR'));
  });

  test('a web page under the name of a picture, and a picture cut off', async () => {
    const photo = await sharp(png(64, 64, (x, y) => [x * 4, y * 4, (x * y) % 256]))
      .jpeg()
      .toBuffer();
    const cases: [string, Uint8Array | string, RegExp][] = [
      ['test/cat/a.png', '<html>moved</html>', /^Input buffer contains unsupported image format$/],
      ['test/cat/b.png', '', /^Input Buffer is empty$/],
      // libvips decodes in threads: either its warning or what became of it arrives first.
      ['test/cat/c.jpg', photo.subarray(0, photo.length / 2), /^(VipsJpeg: |Warning treated as error)/],
    ];
    for (const [name, bytes, reason] of cases) {
      const path = join(await folderOf({ ...small, [name]: bytes }), name);
      const { code, message } = await thrownBy(
        readImageFolder(join(path, '../../..'), options).then(inMemory),
      );
      expect(code).toBe('DATA_DAMAGED');
      const start = `Expected a picture in ${path}, found a file that cannot be read as one (`;
      const end = '). Replace the file by a fresh copy.';
      expect([message.slice(0, start.length), message.slice(-end.length)]).toEqual([start, end]);
      expect(message.slice(start.length, -end.length)).toMatch(reason);
      expect(await readFile(path)).toEqual(Buffer.from(bytes));
    }
  });
});
