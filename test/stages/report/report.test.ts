import { mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { gather } from '../../../stages/report/gather.ts';
import { reportHtml } from '../../../stages/report/html.ts';
import { runReport } from '../../../stages/report/run.ts';
import { reportStage } from '../../../stages/report/stage.ts';
import { readTable } from '../../../store/tables.ts';
import { temporaryFolder } from '../../store/support/temporary-folder.ts';
import { type Fixture, writeArtifacts } from './fixture.ts';
import { attributesOf, elementsOf, parsePage, textOf } from './page.ts';
import { attacked, colors, digits, toy } from './worlds.ts';

/** A report and where it lies; made anew in another folder at every call. */
async function makeReport(fixture: Fixture, folder: string) {
  const context = await writeArtifacts(folder, fixture);
  await runReport(context);
  const read = (name: string) => readFile(join(context.directory, name), 'utf8');
  return { context, read, html: await read('report.html') };
}

const folders: string[] = [];
const made = new Map<() => Fixture, ReturnType<typeof makeReport>>();
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/** The report of a world, made once for all tests, which only read it. */
function report(world: () => Fixture): ReturnType<typeof makeReport> {
  if (!made.has(world)) {
    const folder = mkdtempSync(join(tmpdir(), 'pag-report-'));
    folders.push(folder);
    made.set(world, makeReport(world(), folder));
  }
  return made.get(world)!;
}

const WORLDS: [string, () => Fixture][] = [
  ['digits', digits],
  ['toy', toy],
  ['colors', colors],
  ['attacked', attacked],
];

describe('the files', () => {
  it.each(WORLDS)('of %s are the same bytes from the same artifacts elsewhere', async (_name, world) => {
    const [first, second] = [await report(world), await makeReport(world(), await temporaryFolder())];
    expect(first.context.directory).not.toBe(second.context.directory);
    const names = [
      'report.html',
      'summary.txt',
      'summary.json',
      'results.parquet',
      'results.md',
      'results.tex',
    ];
    for (const name of names) {
      const bytes = await Promise.all(
        [first, second].map(({ context }) => readFile(join(context.directory, name))),
      );
      expect(bytes[0]!.equals(bytes[1]!), name).toBe(true);
    }
  });

  it('name no time and no place', async () => {
    const { context, html } = await report(digits);
    expect(html).not.toContain(context.directory);
    expect(html).not.toMatch(/\b20\d\d-\d\d-\d\d\b/);
  });
});

describe('the page', () => {
  it.each(WORLDS)(
    'of %s is HTML without a parse error, with ids and captions that are there once',
    async (_name, world) => {
      const { html } = await report(world);
      const { document, errors } = parsePage(html);
      expect(errors).toEqual([]);
      const ids = ['section', 'figure', 'clipPath']
        .flatMap((name) => attributesOf(document, name))
        .map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      for (const { href } of attributesOf(document, 'a')) expect(ids).toContain(href!.slice(1));
    },
  );

  it.each(WORLDS)('of %s refers to nothing outside itself', async (_name, world) => {
    const { document } = parsePage((await report(world)).html);
    expect(elementsOf(document, 'script')).toEqual([]);
    const references = ['img', 'image', 'link', 'a', 'use', 'iframe']
      .flatMap((name) => attributesOf(document, name))
      .flatMap(({ src, href }) => [src, href].filter((value) => value !== undefined));
    for (const reference of references) expect(reference).toMatch(/^(data:|#)/);
    const style = elementsOf(document, 'style').map(textOf).join();
    expect(style).not.toMatch(/url\(|@import/);
  });

  it('has pictures that another program decodes, with the pixels of the arrays', async () => {
    const { context, html } = await report(digits);
    const { document } = parsePage(html);
    const [sheets, pictures] = [true, false].map((isSheet) =>
      attributesOf(document, 'img').filter((image) => (image.class === 'samples') === isSheet),
    ) as [Record<string, string>[], Record<string, string>[]];
    expect(sheets.map(({ width, height }) => [width, height])).toEqual([['100', '40']]);
    const images = pictures.filter((picture) => picture.class === 'picture');
    expect(images.length).toBe(24); // eight in each of three figures
    const { variants } = await gather(context);
    const source = Buffer.from(images[3]!.src!.split(',')[1]!, 'base64');
    const pixels = await sharp(source).removeAlpha().toColourspace('b-w').raw().toBuffer();
    const expected = variants[0]!.pictures!.images.data.slice(3 * 256, 4 * 256);
    expect([...pixels]).toEqual([...expected].map((value) => Math.round(255 * value)));
    for (const { src } of pictures) {
      const { width, height } = await sharp(Buffer.from(src!.split(',')[1]!, 'base64')).metadata();
      expect([16, 170]).toContain(width);
      expect(height).toBe(16);
    }
  });

  it('puts the gradient of image i towards class c into row i and column c', async () => {
    const { context, html } = await report(digits);
    const strips = attributesOf(parsePage(html).document, 'img').filter(({ alt }) =>
      alt!.startsWith('input gradient sbg, image 3'),
    );
    expect(strips.length).toBe(1);
    const pixels = await sharp(Buffer.from(strips[0]!.src!.split(',')[1]!, 'base64'))
      .removeAlpha()
      .raw()
      .toBuffer();
    const { gradients } = (await gather(context)).variants[1]!.pictures!;
    for (const target of [0, 7, 9]) {
      const first = (2 * 10 + target) * 256;
      const tile = gradients.data.slice(first, first + 256);
      const places = [...tile.keys()].sort((a, b) => tile[a]! - tile[b]!);
      // The least and the largest value lean to blue and to red more than the middle of the map does.
      const red = (place: number) => pixels[3 * (Math.floor(place / 16) * 170 + target * 17 + (place % 16))]!;
      const blue = (place: number) =>
        pixels[3 * (Math.floor(place / 16) * 170 + target * 17 + (place % 16)) + 2]!;
      expect(blue(places[0]!) - red(places[0]!)).toBeGreaterThan(50);
      expect(red(places[255]!) - blue(places[255]!)).toBeGreaterThan(50);
    }
  });

  it('draws points, and a bar as long as ε, at the scale of the axes', async () => {
    const { context, html } = await report(toy);
    const [map] = elementsOf(parsePage(html).document, 'svg').filter(({ attrs }) =>
      attrs.some(({ value }) => value === 'decision map of sbg exact'),
    );
    const { points } = (await gather(context)).variants[1]!.plane!;
    // The map is 312 wide and high, from (40, 40), for a box of 248.
    const [x, y] = [40 + ((points.data[0]! + 124) * 312) / 248, 352 - ((points.data[1]! + 124) * 312) / 248];
    const paths = attributesOf(map!, 'path').map(({ d }) => d!);
    const dots = paths.find((path) => path.includes('h0'))!;
    const [first] = [...dots.matchAll(/M([\d.]+) ([\d.]+)h0/g)];
    expect(Number(first![1])).toBeCloseTo(x, 1);
    expect(Number(first![2])).toBeCloseTo(y, 1);
    const [bar] = paths
      .map((path) => /^M([\d.]+) [\d.]+H([\d.]+)M/.exec(path))
      .filter((match) => match !== null);
    expect(Number(bar![2]) - Number(bar![1])).toBeCloseTo((15 * 312) / 248, 1);
  });

  it('shows the counts, percentages and intervals of the artifacts', async () => {
    const { document } = parsePage((await report(digits)).html);
    const [headline] = elementsOf(document, 'table');
    const rows = elementsOf(headline!, 'tr').map((row) =>
      [...elementsOf(row, 'th'), ...elementsOf(row, 'td')].map(textOf),
    );
    expect(rows[0]).toEqual(['accuracy in %', 'vanilla', 'sbg', 'nearest-neighbor']);
    // 1917 of 2007 is 95.5 %, Wilson 94.5 to 96.3; computed apart from this program.
    expect(rows[1]).toEqual(['clean', '95.594.5 – 96.3', '95.494.4 – 96.2', '94.493.3 – 95.3']);
    expect(rows[5]).toEqual(['robust accuracy under PGD-20, L2']);
    expect(rows[7]).toEqual(['ε = 1', '55.953.7 – 58.1', '81.579.8 – 83.2', '75.373.4 – 77.1']);
    const cells = attributesOf(headline!, 'td').map(({ title }) => title);
    expect(cells.slice(0, 6)).toEqual([
      '1917 of 2007',
      '1915 of 2007',
      '1895 of 2007',
      '1794 of 2007',
      '1860 of 2007',
      '1835 of 2007',
    ]);
    const bold = elementsOf(headline!, 'td').filter(({ attrs }) =>
      attrs.some(({ value }) => value.includes('best')),
    );
    expect(bold.map(textOf).slice(0, 3)).toEqual(['95.594.5 – 96.3', '92.791.5 – 93.7', '85.383.7 – 86.8']);
  });

  it('states n, seeds and artifact keys with its figures, and that robust accuracy is an upper bound', async () => {
    const { document } = parsePage((await report(digits)).html);
    const captions = elementsOf(document, 'figcaption').map(textOf);
    expect(captions.map((caption) => caption.slice(0, 9))).toEqual([
      'Figure 1.',
      'Figure 2.',
      'Figure 3.',
      'Figure 4.',
      'Figure 5.',
      'Figure 6.',
      'Figure 7.',
    ]);
    const ofTargets = captions.filter((caption) => caption.includes('one row for each store'));
    expect(ofTargets.map((caption) => caption.slice(0, 9))).toEqual(['Figure 3.']);
    expect(ofTargets[0]).toContain('n = 8 training images of usps.');
    expect(ofTargets[0]).toMatch(
      /Artifacts: precompute [0-9a-f]{12} \(sbg\), [0-9a-f]{12} \(nearest-neighbor\)\.$/,
    );
    const ofScore = captions.filter((caption) => caption.includes('Score model'));
    expect(ofScore).toEqual([
      'Figure 6. Score model of sbg. Loss (EDM, weighted) at noise levels σ of the scaled data; n = 128 test images, the same under the same noise each time. Samples after step 1000: a row for each class and one without; the samples of a column begin with the same noise (heun, 18 steps, guidance 1). Averaged weights; seed 1. Artifact: score 1fc0ffee0123.',
    ]);
    for (const caption of captions.filter((other) => ![...ofScore, ...ofTargets].includes(other))) {
      expect(caption).toMatch(/n = [\d,]+ (training|test) ?/);
      expect(caption).toContain('Training seed 1, attack seed 1.');
      expect(caption).toMatch(
        /Artifacts: (attack|analyze|train) [0-9a-f]{12} \(vanilla\), [0-9a-f]{12} \(sbg\)/,
      );
    }
    expect(textOf(document)).toContain('every figure is an upper bound on the true robust accuracy');
    expect(textOf(document)).toContain('robust accuracy under PGD-20');
    expect(textOf(document)).not.toMatch(/robustness/i);
  });

  it('shows labels as text, whatever they are', async () => {
    const { html } = await report(colors);
    const { document } = parsePage(html);
    expect(html).not.toContain('<b>&"');
    expect(elementsOf(document, 'th').some((cell) => textOf(cell).includes(`vanilla <b>&"'</b>`))).toBe(true);
  });

  it('shows the doubts of the evaluator before every figure', async () => {
    const { html } = await report(colors);
    const { document } = parsePage(html);
    const note = elementsOf(document, 'div').find(({ attrs }) =>
      attrs.some(({ value }) => value === 'warning'),
    )!;
    expect(textOf(note)).toContain(
      `vanilla <b>&"'</b>: The loss gradient of 12 of 1000 clean images is exactly zero`,
    );
    expect(html.indexOf('class="warning"')).toBeLessThan(html.indexOf('<main>'));
    expect((await report(digits)).html).not.toContain('class="warning"');
  });

  it('leaves out what the data has not', async () => {
    const headings = async (world: () => Fixture) =>
      elementsOf(parsePage((await report(world)).html).document, 'h2').map(textOf);
    expect(await headings(digits)).not.toContain('Decision maps');
    expect(await headings(toy)).toEqual([
      'Accuracy',
      'Robust accuracy against ε',
      'Decision maps',
      'Target gradients',
      'Score models',
      'Training',
      'Numerics on trial',
      'Configuration',
      'Data',
      'Tables to copy',
    ]);
  });

  it('puts the numerics on trial', async () => {
    const text = textOf(parsePage((await report(toy)).html).document);
    expect(text).toMatch(/sbg learned\s?learned\s?0\.9876\s?0\.7654\s?1,024/);
    expect(text).toMatch(/PAG, sbg targets, λ 1\s?0\.9000\s?512/);
  });

  it('shows how targets were made, and what their codec lost, once for each store', async () => {
    const { document } = parsePage((await report(toy)).html);
    const text = textOf(document);
    expect(text).toMatch(
      /sbg learned\s?sbg: a fixture\s?6,000 × 2\s?float16\s?256 B\s?2\.0e-8\s?worst 5\.0e-8\s?2[0-9a-f]{11}/,
    );
    const world = digits();
    world.variants[2] = { ...world.variants[2]!, label: 'other', settings: world.variants[1]!.settings };
    const pages = await Promise.all([report(digits), makeReport(world, await temporaryFolder())]);
    const rows = pages.map(({ html }) =>
      attributesOf(parsePage(html).document, 'img').filter(({ alt }) => alt!.startsWith('target ')),
    );
    // In the sections of targets and of gradients: a row of each of two stores for each of eight images.
    expect(rows.map(({ length }) => length)).toEqual([32, 32]);
    expect(rows[0]![1]!.alt).toBe('target nearest-neighbor, image 1: one picture for each class from 0 to 9');
    expect(rows[1]![1]!.alt).toBe('target sbg (other), image 1: one picture for each class from 0 to 9');
  });

  it('begins curves at the clean accuracy, but not those of targeted attacks on many classes', async () => {
    const titles = (html: string) => elementsOf(parsePage(html).document, 'title').map(textOf);
    const onDigits = titles((await report(digits)).html);
    expect(onDigits).toContain('sbg, ε 1: 81.5 % (1636 of 2007)');
    expect(onDigits.filter((title) => title === 'sbg, ε 0: 95.4 % (1915 of 2007)').length).toBe(3); // of four panels
    const onToy = titles((await report(toy)).html);
    expect(onToy).toContain('vanilla, ε 0: 100.0 % (600 of 600)');
    expect(onToy).toContain('vanilla, ε 15: 54.5 % (327 of 600)');
  });

  it('shows the accuracy under attack on held-out images where a training was judged by it', async () => {
    const world = digits();
    const { train, ...rest } = world.variants[1]!.settings;
    const validation = { images: 100, attack: { norm: 'L2', eps: 0.5 } };
    world.variants[1]!.settings = { ...rest, train: { ...(train as object), validation } };
    const { html } = await makeReport(world, await temporaryFolder());
    expect(html).toContain('Validation under attack');
    expect((await report(digits)).html).not.toContain('Validation under attack');
  });

  it('lists the settings that differ, and the whole configuration', async () => {
    const { document } = parsePage((await report(digits)).html);
    const tables = elementsOf(document, 'table').map((table) =>
      elementsOf(table, 'tr').map((row) => [...elementsOf(row, 'th'), ...elementsOf(row, 'td')].map(textOf)),
    );
    expect(tables).toContainEqual([
      ['variant', 'precompute.method', 'train.method', 'train.lambda'],
      ['vanilla', '–', 'vanilla', '–'],
      ['sbg', 'sbg', 'pag', '5'],
      ['nearest-neighbor', 'nearest-neighbor', 'pag', '5'],
    ]);
    expect(elementsOf(document, 'pre').map(textOf)[2]).toContain(
      'precompute: method: nearest-neighbor sigma: 1',
    );
  });

  it('says what reduced precision did to targets', async () => {
    const context = await writeArtifacts(await temporaryFolder(), digits());
    const cost = {
      precision: 'bfloat16',
      images: 4,
      gradients: 40,
      meanCosineLoss: 2.1e-4,
      worstCosineLoss: 1e-3,
    };
    const { directory } = context.inputs.find(({ stage }) => stage === 'precompute')!;
    await writeFile(join(directory, 'precision.json'), JSON.stringify(cost));
    expect(textOf(parsePage(reportHtml(await gather(context))).document)).toContain(
      'a fixture; in bfloat16, 1 − cos with float32 2.1e-4, worst 1.0e-3 of 40 gradients',
    );
  });

  it('is a function of its data alone', async () => {
    const data = await gather(await writeArtifacts(await temporaryFolder(), toy()));
    const before = serialize(data);
    expect(reportHtml(data)).toBe(reportHtml(deserialize(before)));
    expect(serialize(data).equals(before)).toBe(true);
  });
});

describe('the tables', () => {
  it('hold one row for each variant and attack', async () => {
    const { context } = await report(digits);
    const rows = await readTable(join(context.directory, 'results.parquet'));
    expect(rows.length).toBe(27);
    expect(rows[12]).toEqual({
      variant: 'sbg',
      dataset: 'usps',
      method: 'pag',
      targets: 'sbg',
      lambda: 5,
      seed: 1,
      attackSeed: 1,
      attack: 'pgd',
      norm: 'L2',
      eps: 1,
      steps: 20,
      targeted: false,
      randomStart: false,
      restarts: 1,
      n: 2007,
      cleanCorrect: 1915,
      robust: 1636,
      cleanAccuracy: 1915 / 2007,
      robustAccuracy: 1636 / 2007,
      robustLow: expect.closeTo(0.79757, 4),
      robustHigh: expect.closeTo(0.83152, 4),
      datasetKey: '0fc0ffee01234567',
      scoreKey: '1fc0ffee01234567',
      precomputeKey: '21a0123456789abc',
      trainKey: '31a0123456789abc',
      attackKey: '41a0123456789abc',
    });
    expect(rows[0]).toMatchObject({
      variant: 'vanilla',
      targets: null,
      lambda: 0,
      scoreKey: null,
      precomputeKey: null,
    });
  });

  it('say the same as JSON', async () => {
    const { read } = await report(toy);
    const summary = JSON.parse(await read('summary.json'));
    expect(summary.title).toBe('The toy set of six modes');
    expect(summary.variants[2]).toMatchObject({
      label: 'sbg learned',
      n: 600,
      cleanAccuracy: 1,
      scoreAgreement: { meanCosine: 0.9876, worstCosine: 0.7654, n: 1024 },
    });
    expect(summary.variants[0].attacks[2]).toMatchObject({ eps: 15, robust: 327, robustAccuracy: 0.545 });
  });
});

describe('the summary for the terminal', () => {
  it('begins with what matters', async () => {
    const { read } = await report(digits);
    expect((await read('summary.txt')).split('\n').slice(0, 12)).toEqual([
      'Perceptually aligned gradients on USPS',
      'Accuracy in % on n = 2,007 test images of usps. Training seed 1, attack seed 1.',
      '',
      '                                   vanilla               sbg  nearest-neighbor',
      'clean                                 95.5              95.4              94.4',
      'robust under FGSM, L∞',
      '  ε = 0.05                            89.4              92.7              91.4',
      '  ε = 0.1                             66.8              85.3              82.7',
      'robust under PGD-20, L2',
      '  ε = 0.5                             86.5              91.3              89.9',
      '  ε = 1                               55.9              81.5              75.3',
      '  ε = 1.5                             22.1              57.8              48.0',
    ]);
  });

  it.each(WORLDS)('of %s fits into 80 columns', async (_name, world) => {
    const { read } = await report(world);
    for (const line of (await read('summary.txt')).split('\n'))
      expect([...line].length).toBeLessThanOrEqual(80);
  });

  it('explains the numbers of long labels, and shows warnings', async () => {
    const { read } = await report(colors);
    const text = await read('summary.txt');
    expect(text).toContain('  2  train.lambda=0.5, seed=1, resnet18\n');
    expect(text).toContain(
      `! vanilla <b>&"'</b>: The loss gradient of 12 of 1000 clean images is exactly\nzero`,
    );
  });
});

describe('the stage', () => {
  it('reads score and gradients only where they were used', async () => {
    const { variants } = (await report(digits)).context;
    expect(variants.map(({ config }) => reportStage.inputs(config))).toEqual([
      ['dataset', 'train', 'attack', 'analyze'],
      ['dataset', 'score', 'precompute', 'train', 'attack', 'analyze'],
      ['dataset', 'precompute', 'train', 'attack', 'analyze'],
    ]);
  });
});
