/** `pipeline data list`: what there is, and what is here. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../../../../store/datasets/catalogue.ts';
import { temporaryFolder } from '../../../store/support/temporary-folder.ts';
import { data, describedFile, entry } from './fixture.ts';

const KITTENS = Buffer.alloc(2_500_000);
const file = describedFile('cats', KITTENS, 'http://a.example/cats');
const { bytes: _, ...ofUnknownSize } = file;
const catalogue = [
  entry(['cats'], [file, { ...file, name: 'python.tar.gz', into: 'another-layout' }]),
  entry(['cats'], [ofUnknownSize], { name: 'mnist', title: 'kittens' }),
  entry(['dogs'], [], {
    name: 'usps',
    title: 'dogs',
    byHand: 'Ask the authors for dogs.zip, and put what is in it there.',
  }),
];

describe('a data set', () => {
  it('that is not here says how to have it', async () => {
    const { code, stdout } = await data(['list'], { catalogue });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `Data directory: none (--data DIR or PAG_DATA)

cifar10             pictures of animals; 50,000 train, 10,000 test images of
                    32x32x3, 10 classes
                    not here: \`pipeline data get cifar10\` downloads 2.5 MB
mnist               kittens; 60,000 train, 10,000 test images of 28x28x1, 10
                    classes
                    not here: \`pipeline data get mnist\` downloads it
usps                dogs; 7,291 train, 2,007 test images of 16x16x1, 10 classes
                    not here: Ask the authors for dogs.zip, and put what is in
                    it there.
`,
    });
  });

  it('that is here says where, and how large its files are', async () => {
    const folder = await temporaryFolder();
    mkdirSync(join(folder, 'animals'));
    writeFileSync(join(folder, 'animals/cats'), KITTENS);
    writeFileSync(join(folder, 'animals/notes.txt'), 'not of the data set');
    const { stdout } = await data(['list', '--data', folder], { catalogue: [catalogue[0]!] });
    expect(stdout).toBe(`Data directory: ${folder}

cifar10             pictures of animals; 50,000 train, 10,000 test images of
                    32x32x3, 10 classes
                    here (2.5 MB): ${folder}/animals
`);
    const json = await data(['list', '--json'], {
      catalogue: [catalogue[0]!],
      environment: { PAG_DATA: folder },
    });
    expect(JSON.parse(json.stdout)).toEqual({
      directory: folder,
      sets: [
        {
          name: 'cifar10',
          title: 'pictures of animals',
          shape: [32, 32, 3],
          classes: 10,
          images: { train: 50_000, test: 10_000 },
          found: true,
          directory: join(folder, 'animals'),
          isBundled: false,
          bytes: KITTENS.length,
          isDownloadable: true,
          downloadBytes: KITTENS.length,
          byHand: null,
        },
      ],
    });
  });

  it('of the real ones comes with the program, and fits into 80 columns', async () => {
    const { stdout } = await data(['list', '--data', '/tmp']);
    expect(stdout).toMatch(
      /\nusps .*; 7,291 train, 2,007 test images\n +of 16x16x1, 10 classes\n +comes with the program \(2\.\d MB\)\n/,
    );
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    for (const { name } of CATALOGUE) expect(stdout).toContain(`\n${name} `);
  });
});

it('a data directory that is not there is told', async () => {
  expect(await data(['list', '--data', '/nowhere'])).toEqual({
    code: 1,
    stdout: '',
    stderr:
      'Expected a folder with data sets at /nowhere, as --data says, found nothing there; correct the path.\n',
  });
});

it.each([
  [[], 'Expected an action after data (list, get, check, import, show), found none.'],
  [['lst'], 'Expected an action after data, got "lst"; did you mean list?'],
  [['list', 'all'], 'Expected no more words for data list, got "all".'],
  [['show', 'toy', '--per-clas'], 'Expected an option, got "--per-clas"; did you mean --per-class?'],
])('%j is refused', async (words, sentence) => {
  const stderr = `${sentence} \`pipeline --help\` lists commands and options.\n`;
  expect(await data(words)).toEqual({ code: 1, stdout: '', stderr });
});
