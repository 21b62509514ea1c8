/** `pipeline store`: what is told of a sound store, what is found in a damaged one, and that it is mended. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentOf, gradientsOf, writeMissing } from '../../../store/shards/sample-stores.ts';
import { makeStore } from '../../../store/shards/temporary-stores.ts';
import { MAY_MOUNT, NEEDS_MOUNT, smallDisk } from '../../../store/support/small-disk.ts';
import { temporaryFolder } from '../../../store/support/temporary-folder.ts';
import { python } from '../../../support/python.ts';
import { copyRuns, makeRuns } from './fixture.ts';

let source: string;
beforeAll(async () => {
  source = await makeRuns();
}, 60_000);
afterAll(() => rm(source, { recursive: true, force: true }));

const HINT = ' `pipeline store --help` explains what a store is called.\n';

describe('a store', () => {
  it('is shown, whatever it is called', async () => {
    const { store, id, directory } = await copyRuns(source);
    const { code, stdout } = await store('info', id);
    expect(code).toBe(0);
    const [folder, ...lines] = stdout.split('\n');
    expect(folder).toBe(`Folder         RUNS/artifacts/${id}`);
    expect(lines).toEqual([
      'Gradients      a test',
      'Shape          8x8x3',
      'Images         46',
      'Targets        3 per image, one for each class',
      'Codec          int8',
      expect.stringMatching(/^Shards {9}12 \(\d+ kB\)$/),
      expect.stringMatching(/^Lost by codec {2}1 - cos \d\.\de-5 on average, \d\.\de-[45] at worst$/),
      '',
    ]);
    const key = id.slice('precompute-'.length);
    for (const name of [id.slice(0, 15), key, key.slice(0, 3), directory, 'two', 'small/one']) {
      expect((await store('info', name)).stdout.split('\n').slice(1), name).toEqual(lines);
    }
    expect((await store('info')).stdout).toBe(stdout);
  });

  it('is shown with what reduced precision cost, where it was measured', async () => {
    const { store, directory } = await copyRuns(source);
    const cost = {
      precision: 'bfloat16',
      images: 4,
      gradients: 40,
      meanCosineLoss: 2.1e-4,
      worstCosineLoss: 1e-3,
    };
    writeFileSync(join(directory, 'precision.json'), JSON.stringify(cost));
    expect((await store('info')).stdout).toContain(
      'Precision      bfloat16, 1 - cos with float32 2.1e-4 on average, 1.0e-3 at worst\n               (40 gradients)\n',
    );
    expect(JSON.parse((await store('info', '--json')).stdout).precisionCost).toEqual(cost);
  });

  it('is shown to programs, with what its shards say', async () => {
    const { store, directory } = await copyRuns(source);
    const shown = JSON.parse((await store('info', '--json')).stdout);
    expect(shown).toMatchObject({
      isFinished: true,
      codec: 'int8',
      images: 46,
      shards: { finished: 12, all: 12 },
    });
    const records = Array.from({ length: 12 }, (_, i) =>
      JSON.parse(readFileSync(join(directory, `shard-${String(i).padStart(5, '0')}.json`), 'utf8')),
    );
    expect(shown.summary.worstCosineLoss).toBe(Math.max(...records.map((record) => record.worstCosineLoss)));
    expect(shown.summary.bytes).toBe(records.reduce((sum, { bytes }) => sum + bytes, 0));
  });

  it('that is unfinished says how far it is', async () => {
    const { store, directory, id } = await copyRuns(source);
    for (const name of ['manifest.json', 'shard-00003.json']) rmSync(join(directory, name));
    expect((await store('info')).stdout).toContain(
      'Shards         11 of 12: unfinished, `pipeline run` goes on\n',
    );
    const whole = `Expected every byte of RUNS/artifacts/${id} as it was written, found one thing wrong.`;
    expect((await store('verify')).stderr).toBe(
      `${whole} No manifest says that it is finished; \`pipeline run\` goes on with it.\n`,
    );
  });

  it('that is sound is found so', async () => {
    const { store, id } = await copyRuns(source);
    expect(await store('verify')).toEqual({
      code: 0,
      stdout: `RUNS/artifacts/${id}: 12 shards, every byte as it was written.\n`,
      stderr: '',
    });
    expect((await store('repair')).stdout).toBe(`RUNS/artifacts/${id}: nothing to repair.\n`);
  });

  it('that is sound may lie beside other files', async () => {
    const { store, id, directory } = await copyRuns(source);
    writeFileSync(join(directory, 'notes.txt'), '');
    expect(await store('verify')).toEqual({
      code: 0,
      stdout: `RUNS/artifacts/${id}: 12 shards, every byte as it was written.\nBesides  notes.txt, which is no part of the store\n`,
      stderr: '',
    });
    expect(JSON.parse((await store('verify', '--json')).stdout)).toMatchObject({
      damages: [],
      others: ['notes.txt'],
    });
  });
});

/** Each damages a store and says what is to be found. */
interface DamageCase {
  damage(at: (name: string) => string): void | Promise<void>;
  found: [string, string][];
}

const DAMAGES: Record<string, DamageCase> = {
  'a flipped bit': {
    damage: (at) => edit(at('shard-00005.arrow'), (bytes) => (bytes[1000]! ^= 16)),
    found: [['shard-00005.arrow', 'record batch 0 of 1 has another CRC-32 than when it was written']],
  },
  'a zeroed page': {
    damage: (at) => edit(at('shard-00005.arrow'), (bytes) => bytes.fill(0, 1500, 2000)),
    found: [['shard-00005.arrow', 'record batch 0 of 1 has another CRC-32 than when it was written']],
  },
  'a truncated shard': {
    damage: (at) => truncateSync(at('shard-00000.arrow'), 700),
    found: [['shard-00000.arrow', expect.stringMatching(/^it has 700 bytes instead of \d+$/)]],
  },
  'a missing shard and a missing record': {
    damage(at) {
      rmSync(at('shard-00001.arrow'));
      rmSync(at('shard-00011.json'));
    },
    found: [
      ['shard-00001.arrow', 'it is missing'],
      ['shard-00011.json', 'it is missing or does not describe its shard'],
    ],
  },
  'swapped shards': {
    damage(at) {
      renameSync(at('shard-00002.arrow'), at('x'));
      renameSync(at('shard-00007.arrow'), at('shard-00002.arrow'));
      renameSync(at('x'), at('shard-00007.arrow'));
    },
    found: [
      ['shard-00002.arrow', 'it holds shard-00007.arrow'],
      ['shard-00007.arrow', 'it holds shard-00002.arrow'],
    ],
  },
  'a duplicated shard': {
    damage: (at) => copyFileSync(at('shard-00002.arrow'), at('shard-00003.arrow')),
    found: [['shard-00003.arrow', 'it holds shard-00002.arrow']],
  },
  'a duplicated shard with its record': {
    damage(at) {
      copyFileSync(at('shard-00002.arrow'), at('shard-00003.arrow'));
      copyFileSync(at('shard-00002.json'), at('shard-00003.json'));
    },
    found: [['shard-00003.json', 'it describes shard-00002.arrow']],
  },
  'a shard of another store with its record': {
    async damage(at) {
      const info = JSON.parse(readFileSync(at('store.json'), 'utf8'));
      const other = await temporaryFolder();
      await writeMissing(other, info, gradientsOf(info, 2));
      for (const name of ['shard-00006.arrow', 'shard-00006.json']) copyFileSync(join(other, name), at(name));
    },
    found: [
      ['summary.json', 'it is not that of the records'],
      ['manifest.json', 'it lists other content of shard-00006.arrow'],
      ['manifest.json', 'it lists other content of shard-00006.json'],
    ],
  },
  'a record that says the codec lost nothing': {
    damage: (at) =>
      editJson(at('shard-00008.json'), (record) => {
        record.meanCosineLoss = 0;
      }),
    found: [
      ['summary.json', 'it is not that of the records'],
      ['manifest.json', 'it lists other content of shard-00008.json'],
    ],
  },
  'a shard too many': {
    damage: (at) => copyFileSync(at('shard-00002.arrow'), at('shard-00012.arrow')),
    found: [['shard-00012.arrow', 'the store has only 12 shards']],
  },
  'a stale manifest': {
    damage: (at) =>
      editJson(at('manifest.json'), (manifest) => {
        manifest.files.find(({ name }: { name: string }) => name === 'shard-00004.arrow').sha256 = '0'.repeat(
          64,
        );
      }),
    found: [['manifest.json', 'it lists other content of shard-00004.arrow']],
  },
  'a manifest that forgets a file': {
    damage: (at) =>
      editJson(at('manifest.json'), (manifest) => {
        manifest.files = manifest.files.filter(({ name }: { name: string }) => name !== 'shard-00004.json');
      }),
    found: [['manifest.json', 'it does not list shard-00004.json']],
  },
  'a manifest of other settings': {
    damage: (at) =>
      editJson(at('manifest.json'), (manifest) => {
        manifest.codeVersion++;
      }),
    found: [['manifest.json', 'its key is not that of what it says the store was made from']],
  },
  'a manifest of another key': {
    damage: (at) =>
      editJson(at('manifest.json'), (manifest) => {
        manifest.key = 'a'.repeat(16);
      }),
    found: [
      ['manifest.json', 'its key is not that of what it says the store was made from'],
      ['manifest.json', `it is that of precompute-${'a'.repeat(16)}`],
    ],
  },
  'a manifest that is none': {
    damage: (at) => writeFileSync(at('manifest.json'), '{'),
    found: [['manifest.json', 'it is missing or not what it should be']],
  },
  'a summary of something else': {
    damage: (at) =>
      editJson(at('summary.json'), (summary) => {
        summary.rows++;
      }),
    found: [['summary.json', 'it is not that of the records']],
  },
  'a description that is none': {
    damage: (at) => writeFileSync(at('store.json'), '{}'),
    found: [['store.json', 'it is missing or not what it should be']],
  },
  'a description of another codec': {
    damage: (at) =>
      editJson(at('store.json'), (info) => {
        info.codec = 'float16';
      }),
    found: [['store.json', 'it is not what manifest.json lists']],
  },
  'a description and a shard of another store': {
    async damage(at) {
      await DAMAGES['a shard of another store with its record']!.damage(at);
      writeFileSync(at('store.json'), '{}');
    },
    found: [
      ['store.json', 'it is missing or not what it should be'],
      ['shard-00006.arrow', 'it is not what manifest.json lists'],
      ['shard-00006.json', 'it is not what manifest.json lists'],
    ],
  },
};

function edit(path: string, change: (bytes: Buffer) => unknown): void {
  const bytes = readFileSync(path);
  change(bytes);
  writeFileSync(path, bytes);
}

// biome-ignore lint/suspicious/noExplicitAny: what is in the file is to be changed as one likes
function editJson(path: string, change: (content: any) => void): void {
  const content = JSON.parse(readFileSync(path, 'utf8'));
  change(content);
  writeFileSync(path, JSON.stringify(content));
}

describe('damage', () => {
  it.each(Object.entries(DAMAGES))('%s is named', async (_, { damage, found }) => {
    const { store, directory, id } = await copyRuns(source);
    await damage((name) => join(directory, name));
    const { code, stdout, stderr } = await store('verify', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout).damages.map(({ file, found }: never) => [file, found])).toEqual(found);
    const count = found.length === 1 ? 'one thing' : `${found.length} things`;
    expect(stderr).toBe(
      `Expected every byte of RUNS/artifacts/${id} as it was written, found ${count} wrong. Mend it with: pipeline store repair RUNS/artifacts/${id}\n`,
    );
  });

  it('of every kind is mended by the stage: what is sound is left, and the bytes are those before', async () => {
    const { store, directory, runs } = await copyRuns(source);
    const before = await contentOf(directory);
    before.delete('provenance.json');
    for (const name of [
      'a flipped bit',
      'a truncated shard',
      'swapped shards',
      'a missing shard and a missing record',
      'a shard too many',
      'a summary of something else',
    ]) {
      await DAMAGES[name]!.damage((file) => join(directory, file));
    }
    const { code, stdout, stderr } = await store('repair', '--jobs', '1');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('precompute: resuming with 6 of 12 shards finished\n');
    for (const shard of ['00000', '00001', '00002', '00005', '00007', '00011']) {
      expect(stdout).toContain(`shard-${shard}.arrow: made again, the same SHA-256 as before\n`);
    }
    expect(stdout).toContain('shard-00012.arrow: taken out\n');
    const after = await contentOf(directory);
    after.delete('provenance.json');
    expect(after).toEqual(before);
    expect((await store('verify')).code).toBe(0);
    expect(existsSync(join(runs, 'locks'))).toBe(true);
  });

  it.each([
    ['a shard of another store with its record', ['00006']],
    ['a record that says the codec lost nothing', ['00008']],
    ['a stale manifest', ['00004']],
    ['a manifest of another key', []],
    ['a description of another codec', []],
    ['a description and a shard of another store', ['00006']],
  ])('that is sound in itself is not believed: %s', async (name, shards) => {
    const { store, directory } = await copyRuns(source);
    const before = await contentOf(directory);
    before.delete('provenance.json');
    await DAMAGES[name]!.damage((file) => join(directory, file));
    const { code, stdout, stderr } = await store('repair', '--jobs', '1');
    expect([code, stderr]).toEqual([0, '']);
    const made = stdout.split('\n').filter((line) => line.includes('made again'));
    expect(made).toEqual(
      shards.map((shard) => `shard-${shard}.arrow: made again, the same SHA-256 as before`),
    );
    const after = await contentOf(directory);
    after.delete('provenance.json');
    expect(after).toEqual(before);
  });

  it('that is mended to other bytes than before is told', async () => {
    const { store, directory, id } = await copyRuns(source);
    await DAMAGES['a stale manifest']!.damage((file) => join(directory, file));
    editJson(join(directory, 'shard-00004.json'), (record) => {
      record.sha256 = '1'.repeat(64);
    });
    const { code, stdout, stderr } = await store('repair', '--jobs', '1');
    expect(code).toBe(1);
    expect(stdout).toContain('shard-00004.arrow: made again, ANOTHER SHA-256 than before\n');
    expect(stderr).toBe(
      `Expected the same bytes as before, found others in shard-00004.arrow of RUNS/artifacts/${id}. What is made from this store may come from the old ones: make it again (pipeline clean, then run), or look for a difference in program or engine.\n`,
    );
  });

  it('that a newer release has written is left alone', async () => {
    const { store, directory, id } = await copyRuns(source);
    editJson(join(directory, 'store.json'), (info) => {
      info.version = 99;
    });
    const found = await store('verify');
    expect(found.stdout).toBe('store.json  a newer release has written it\n');
    expect(found.stderr).toBe(
      `Expected every byte of RUNS/artifacts/${id} as it was written, found one thing wrong. Update this program, or use that release.\n`,
    );
    const { code, stderr } = await store('repair');
    expect([code, stderr]).toEqual([
      1,
      `Expected a store that this release can write, found that a newer one has written store.json of RUNS/artifacts/${id}; update this program.\n`,
    ]);
  });

  it('is mended only where the data can be found, should they be needed', async () => {
    const { store, directory } = await copyRuns(source);
    DAMAGES['a flipped bit']!.damage((file) => join(directory, file));
    const before = await contentOf(directory);
    expect(await store('repair', '--data', 'nowhere')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'Expected a folder with data sets at nowhere, as --data says, found nothing there; correct the path.\n',
    });
    expect(await contentOf(directory)).toEqual(before);
    expect((await store('repair', '--jobs', '1', '--data', 'test')).code).toBe(0);
  });

  it('in a store of no experiment is not mended', async () => {
    const { store, directory, runs, id } = await copyRuns(source);
    DAMAGES['a flipped bit']!.damage((file) => join(directory, file));
    rmSync(join(runs, 'small'), { recursive: true });
    const { code, stderr } = await store('repair');
    expect([code, stderr]).toEqual([
      1,
      `Expected an experiment whose last run needs ${id} and that still gives the same key, found none in RUNS. Run the experiment that made it again: \`pipeline run\` mends damage as it meets it.\n`,
    ]);
  });
});

describe('diff', () => {
  it('tells what a codec loses, as measured when it was written', async () => {
    const { store } = await copyRuns(source);
    const settings = { shape: [4, 5, 3], images: 10, targets: 3 };
    const [plain, packed] = [
      await makeStore({ ...settings, codec: 'float32', shardImages: 3 }),
      await makeStore({ ...settings, codec: 'int8', shardImages: 4 }),
    ];
    const summary = JSON.parse(readFileSync(join(packed.directory, 'summary.json'), 'utf8'));
    const found = JSON.parse((await store('diff', plain.directory, packed.directory, '--json')).stdout);
    expect(found.rows).toBe(30);
    expect(found.meanCosineLoss).toBeCloseTo(summary.meanCosineLoss, 10);
    expect(found.worst.cosineLoss).toBeCloseTo(summary.worstCosineLoss, 10);
    const { stdout } = await store('diff', plain.directory, packed.directory);
    expect(stdout).toMatch(
      /^Gradients {2}30, of which 30 differ\n1 - cos {4}\d\.\de-\d on average\nWorst {6}\d\.\de-\d: image \d, target class \d\n$/,
    );
    expect((await store('diff', plain.directory, plain.directory)).stdout).toBe(
      'All 30 gradients are equal.\n',
    );
  });

  it('refuses stores of other sizes, and of other classes', async () => {
    const { store } = await copyRuns(source);
    const [one, other] = [await makeStore({}), await makeStore({ images: 9 })];
    expect((await store('diff', one.directory, other.directory)).stderr).toBe(
      'Expected two stores of one size, found 10 images x 3 targets of 4x5x3 and 9 images x 3 targets of 4x5x3; compare stores of the same images.\n',
    );
    const listed = await makeStore({ targetClasses: 'listed', classes: 7 });
    expect((await store('diff', one.directory, listed.directory)).stderr).toBe(
      'Expected targets of the same classes in both stores, found others for image 0; compare stores of the same precompute.targets.\n',
    );
  });
});

const TITLE = 'each gradient over its own largest |g|: gray 0, brighter above, darker below';

describe('show', () => {
  it('draws the image and its targets', async () => {
    const { store } = await copyRuns(source);
    const file = join(await temporaryFolder(), 'pictures', 'targets.png');
    const { code, stdout } = await store('show', 'one', '--image', '17,3', file);
    expect([code, stdout.replace(file, 'F')]).toEqual([0, `Wrote F: image, then its targets;\n${TITLE}.\n`]);
    const pixel = (x: number, y: number) =>
      python(
        'import sys\nfrom PIL import Image\nprint(Image.open(sys.argv[1]).convert("RGB").getpixel((int(sys.argv[2]), int(sys.argv[3]))))',
        [file, String(x), String(y)],
      ).trim();
    // Images are enlarged eleven times (88 pixels); title, picture and caption are 8 high, gaps 3.
    expect(pixel(40, 30)).toBe('(17, 200, 200)');
    expect(pixel(40, 30 + 88 + 1 + 8 + 3)).toBe('(3, 200, 200)');
    const { width, height } = PNG.sync.read(readFileSync(file));
    expect([width, height]).toEqual([Math.max(3 + 4 * 91, 6 + 6 * TITLE.length - 1), 11 + 3 + 2 * 100]);
  });
});

describe('show with fewer words', () => {
  it('takes the only store, and names the file after the images', async () => {
    const { store, runs } = await copyRuns(source);
    const folder = await temporaryFolder();
    const before = process.cwd();
    process.chdir(folder);
    try {
      const told = `image, then its targets;\n${TITLE}.\n`;
      expect((await store('show', '--image', '17')).stdout).toBe(`Wrote image-17.png: ${told}`);
      expect((await store('show', 'one', '--image', '17, 3')).stdout).toBe(`Wrote image-17-3.png: ${told}`);
      expect((await store('show', 'x.PNG', '--image', '3')).stdout).toBe(`Wrote x.PNG: ${told}`);
      expect(readdirSync(folder).sort()).toEqual(['image-17-3.png', 'image-17.png', 'x.PNG']);
      mkdirSync(join(runs, 'artifacts', 'precompute-0'));
      const { code, stderr } = await store('show', '--image', '1');
      expect(code).toBe(1);
      expect(stderr).toMatch(/^Expected the name of a gradient store\. In RUNS there are precompute-0, /);
    } finally {
      process.chdir(before);
    }
  });
});

describe('export', () => {
  it('writes what numpy, pyarrow and DuckDB read', async () => {
    const { store } = await copyRuns(source);
    const folder = await temporaryFolder();
    for (const kind of ['npy', 'parquet', 'arrow']) {
      const { code, stdout } = await store('export', 'two', join(folder, `g.${kind}`));
      expect(code).toBe(0);
      expect(stdout.replace(folder, 'F')).toMatch(
        new RegExp(`^Wrote F/g.${kind}: 138 gradients \\(1\\d\\d kB\\)\\.\n$`),
      );
    }
    const shown = JSON.parse(
      (await store('export', 'two', join(folder, 'h'), '--format', 'npy', '--dtype', 'float16', '--json'))
        .stdout,
    );
    expect(shown).toMatchObject({
      format: 'npy',
      bytes: 128 + 138 * 192 * 2,
      images: 46,
      targets: 3,
      shape: [8, 8, 3],
    });
    expect(shown.worstCosineLoss).toBeLessThan(1e-6);
  });

  it('puts listed classes beside an array, and over no other file', async () => {
    const { store } = await copyRuns(source);
    const { directory } = await makeStore({ targetClasses: 'listed', classes: 7 });
    const folder = await temporaryFolder();
    const { stdout } = await store('export', directory, join(folder, 'g.npy'));
    expect(stdout.replaceAll(folder, 'F')).toBe(
      'Wrote F/g.npy: 30 gradients (7.3 kB); their classes: F/g.classes.npy.\n',
    );
    rmSync(join(folder, 'g.npy'));
    expect((await store('export', directory, join(folder, 'g.npy'))).stderr).toBe(
      `Expected to write a new file ${folder}/g.classes.npy, found one there already; name another.${HINT}`,
    );
    expect(readdirSync(folder)).toEqual(['g.classes.npy']);
  });
});

describe.skipIf(!MAY_MOUNT)(`on a disk without room${NEEDS_MOUNT}`, () => {
  it.each(['npy', 'parquet', 'arrow'])('export to %s says so and leaves nothing', async (kind) => {
    const { store } = await copyRuns(source);
    const disk = smallDisk(64);
    const { code, stderr } = await store('export', 'two', join(disk, `g.${kind}`));
    expect(code).toBe(1);
    expect(stderr).toContain(
      `Expected room to write ${disk}/g.${kind}, found that the disk is full (ENOSPC).`,
    );
    expect(readdirSync(disk)).toEqual([]);
  });
});

describe('words', () => {
  const cases: [string[], string][] = [
    [['export', 'one'], `Expected a store and a file (pipeline store export STORE OUT.parquet).${HINT}`],
    [
      ['export', 'one', 'out.csv'],
      `Expected a file that ends in .parquet, .npy or .arrow, or --format, got out.csv.${HINT}`,
    ],
    [
      ['export', 'one', 'package.json', '--format', 'npy'],
      `Expected to write a new file package.json, found one there already; name another.${HINT}`,
    ],
    [['diff', 'one'], `Expected two stores (pipeline store diff STORE OTHER).${HINT}`],
    [
      ['show', 'one', 'a.png'],
      `Expected the number of an image (pipeline store show [STORE] --image 17 [OUT.png]).${HINT}`,
    ],
    [['show', 'one', 'a.jpg', '--image', '1'], `Expected a file that ends in .png, got a.jpg.${HINT}`],
    [
      ['show', 'one', 'docs/report.png', '--image', '1'],
      `Expected to write a new file docs/report.png, found one there already; name another.${HINT}`,
    ],
    [
      ['show', 'one', 'a.png', '--image', '46'],
      `Expected --image to be a number from 0 to 45, or several with commas, got "46".${HINT}`,
    ],
    [
      ['show', 'one', 'a.png', '--image', '1,'],
      `Expected --image to be a number from 0 to 45, or several with commas, got "1,".${HINT}`,
    ],
    [
      ['info', 'pipeline'],
      'Expected a gradient store, found no store.json in pipeline. Name the folder of an artifact of precompute.\n',
    ],
  ];
  it.each(cases)('%j are refused', async (words, message) => {
    const { store } = await copyRuns(source);
    expect(await store(...words)).toEqual({ code: 1, stdout: '', stderr: message });
  });

  it('that mean no store, or several, are told with what there is', async () => {
    const { store, id, runs } = await copyRuns(source);
    expect((await store('info', 'nothing')).stderr).toBe(
      `Expected a gradient store, found none that nothing names. In RUNS there are ${id}.\n`,
    );
    mkdirSync(join(runs, 'artifacts', 'precompute-0'));
    expect((await store('info')).stderr).toBe(
      `Expected the name of a gradient store. In RUNS there are precompute-0, ${id}.${HINT}`,
    );
    expect((await store('info', 'precompute')).stderr).toBe(
      `Expected the name of one gradient store, found that precompute means precompute-0, ${id}; add to it.${HINT}`,
    );
    rmSync(join(runs, 'artifacts'), { recursive: true });
    expect((await store('info')).stderr).toBe(
      'Expected a gradient store, found none. There is none in RUNS yet; `pipeline run precompute` makes one, --runs DIR looks elsewhere.\n',
    );
  });

  it('of show that name gradients without pictures, or without their images, are told', async () => {
    const { store, runs, directory, id } = await copyRuns(source);
    const points = await makeStore({ shape: [2] });
    expect((await store('show', points.directory, 'a.png', '--image', '1')).stderr).toBe(
      `Expected gradients of images in ${points.directory}, found those of points of shape [2]; the report draws them as arrows.\n`,
    );
    const { key } = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')).inputs[0];
    rmSync(join(runs, 'artifacts', `dataset-${key}`), { recursive: true });
    const again = 'run `pipeline run precompute` of the experiment that made them.\n';
    expect((await store('show', 'one', 'a.png', '--image', '1')).stderr).toBe(
      `Expected the data set that the gradients of RUNS/artifacts/${id} belong to, found none at RUNS/artifacts/dataset-${key}; ${again}`,
    );
    rmSync(join(directory, 'manifest.json'));
    expect((await store('show', 'one', 'a.png', '--image', '1')).stderr).toBe(
      `Expected the data set that the gradients of RUNS/artifacts/${id} belong to, found no manifest that names it; ${again}`,
    );
  });
});
