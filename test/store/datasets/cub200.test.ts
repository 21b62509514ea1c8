import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { variantConfigSchema } from '../../../schemas/config.ts';
import { readCub200 } from '../../../store/datasets/cub200.ts';
import { fitBox } from '../../../store/datasets/pictures.ts';
import { inMemory } from '../support/in-memory.ts';
import { thrownBy } from '../support/thrown-by.ts';
import { madeByPython } from './python-fixtures.ts';

const configOf = (size: number) => variantConfigSchema.parse({ dataset: { name: 'cub200', size } }).dataset;

/** Black pictures of several sizes with a white box where the bird is. */
const made = () =>
  madeByPython(`
from PIL import Image, ImageDraw
pictures = [('001.Black_footed_Albatross/a.jpg', 64, 32, (16, 8, 16, 12), 1, 1), ('002.Laysan_Albatross/b.jpg', 32, 64, (4, 20, 20, 24), 2, 0),
            ('002.Laysan_Albatross/a.jpg', 32, 32, (0, 0, 32, 16), 2, 1), ('001.Black_footed_Albatross/z.jpg', 64, 32, (0, 0, 24, 32), 1, 0)]
tables = {name: open(name + '.txt', 'w') for name in ['images', 'image_class_labels', 'train_test_split', 'bounding_boxes', 'classes']}
for i, (name, width, height, (x, y, w, h), label, train) in enumerate(pictures, 1):
    os.makedirs(os.path.dirname(f'images/{name}'), exist_ok=True)
    picture = Image.new('RGB', (width, height))
    ImageDraw.Draw(picture).rectangle((x, y, x + w - 1, y + h - 1), fill='white')
    picture.save(f'images/{name}', 'PNG')
    print(i, name, file=tables['images'])
    print(i, label, file=tables['image_class_labels'])
    print(i, train, file=tables['train_test_split'])
    print(i, float(x), float(y), float(w), float(h), file=tables['bounding_boxes'])
print('1 001.Black_footed_Albatross\\n2 002.Laysan_Albatross', file=tables['classes'])`);

test('splits, names and boxes; a box goes where the picture goes', async () => {
  const { folder } = await made();
  const {
    train,
    test: testSplit,
    classNames,
    shape,
    sources,
  } = await inMemory(await readCub200(folder, configOf(16)));
  expect([shape, classNames]).toEqual([
    [16, 16, 3],
    ['Black footed Albatross', 'Laysan Albatross'],
  ]);
  expect([[...train.labels], [...testSplit.labels]]).toEqual([
    [0, 1],
    [1, 0],
  ]);
  // 64×32 is halved and loses 8 columns on each side: x from 16 to 32 becomes 0 to 8.
  expect([...train.regions]).toEqual([4, 0, 6, 8, 0, 0, 8, 16]);
  expect([...testSplit.regions]).toEqual([2, 2, 12, 10, 0, 0, 16, 4]);
  expect(sources.map(({ name }) => name)).toContain('images/002.Laysan_Albatross');

  // Bright pixels are those of the box.
  for (const { images, regions } of [train, testSplit]) {
    for (let i = 0; i < 2; i++) {
      const [top, left, height, width] = regions.subarray(4 * i, 4 * i + 4) as unknown as [
        number,
        number,
        number,
        number,
      ];
      for (let y = 0; y < 16; y++) {
        for (let x = 0; x < 16; x++) {
          const depth = Math.min(
            x + 0.5 - left,
            left + width - x - 0.5,
            y + 0.5 - top,
            top + height - y - 0.5,
          );
          const value = images[3 * (256 * i + 16 * y + x)]!;
          if (depth > 1.5) expect(value).toBeGreaterThan(200);
          if (depth < -1.5) expect(value).toBeLessThan(55);
        }
      }
    }
  }
});

test('what is cut off of a box is gone', () => {
  expect(fitBox([0, 0, 10, 10], [10, 30], 10)).toEqual([0, 0, 10, 0]);
  expect(fitBox([2, 8, 4, 30], [10, 30], 20)).toEqual([4, 0, 8, 20]);
});

describe('damage', () => {
  const cases: [string, string, string][] = [
    ['image_class_labels.txt', '1 1\n2 2\n', '4 lines, one for each image in PATH, found 2'],
    ['image_class_labels.txt', '1 1\n2 2\n3 3\n4 1', 'labels from 1 to 2 in PATH, found 3 for image 2'],
    ['images.txt', '1 a.jpg\n3 b.jpg\n', 'number 2 and its values in line 2 in PATH, found "3 b.jpg"'],
    [
      'train_test_split.txt',
      '1 1\n2 0\n3 2\n4 0',
      '1 for training or 0 for test for image 3 in PATH, found "2"',
    ],
    [
      'images.txt',
      '1 a.jpg\n2 a/../../../b.jpg\n3 c.jpg\n4 d.jpg',
      'a path below images for image 2 in PATH, found "a/../../../b.jpg"',
    ],
    [
      'images.txt',
      '1 /a.jpg\n2 b.jpg\n3 c.jpg\n4 d.jpg',
      'a path below images for image 1 in PATH, found "/a.jpg"',
    ],
    [
      'bounding_boxes.txt',
      '1 0 0 5 x\n2 0 0 1 1\n3 0 0 1 1\n4 0 0 1 1',
      'x, y, width and height of image 1 in PATH, found "0 0 5 x"',
    ],
  ];
  test.each(cases)('%s', async (file, text, expected) => {
    const { folder } = await made();
    await writeFile(join(folder, file), text);
    expect(await thrownBy(readCub200(folder, configOf(8)))).toEqual({
      code: 'DATA_DAMAGED',
      message: `Expected ${expected.replace('PATH', join(folder, file))}. Replace the file by a fresh copy.`,
    });
  });

  test('a missing table', async () => {
    const { folder } = await made();
    await rm(join(folder, 'classes.txt'));
    expect((await thrownBy(readCub200(folder, configOf(8)))).message).toContain('found no classes.txt there');
  });
});
