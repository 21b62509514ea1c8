import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../../pipeline/config/load.ts';
import { presetNames, readPreset } from '../../../pipeline/config/source.ts';
import { resolvedYaml } from '../../../pipeline/results.ts';
import { DATASET_NAMES } from '../../../schemas/dataset-facts.ts';
import { PipelineError } from '../../../schemas/errors.ts';

const load = (text: string, settings: string[] = []) => loadExperiment({ name: 'x.yaml', text }, settings);

/** The lines of the problems that a text has. */
function problemsIn(text: string, settings: string[] = []): string[] {
  try {
    load(text, settings);
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    expect(error.code).toBe('CONFIG_INVALID');
    const lines = error.message.split('\n');
    const count = lines.length - 2;
    expect(lines[0]).toBe(`x.yaml has ${count === 1 ? '1 problem' : `${count} problems`}:`);
    expect(lines.at(-1)).toBe(
      'Correct them and run the same command again; `pipeline schema` prints every setting.',
    );
    return lines.slice(1, -1).map((line) => line.replace(/^ {2}/, ''));
  }
  return [];
}

const BASE = 'name: x\ndataset: { name: usps }\n';

describe('an experiment file', () => {
  it('gets every default and its seed in every stage that has none of its own', () => {
    const { name, variants } = load(`${BASE}seed: 7\ntrain: { seed: 3 }`);
    expect(name).toBe('x');
    expect(variants.map(({ label }) => label)).toEqual(['x']);
    const { config } = variants[0]!;
    expect([config.score.seed, config.precompute.seed, config.train.seed, config.attack.seed]).toEqual([
      7, 7, 3, 7,
    ]);
    expect(config.train.optimizer).toMatchObject({ kind: 'adam', learningRate: 1e-3 });
    expect(config.dataset.seed).toBeUndefined();
  });

  it('seeds what is drawn of a data set', () => {
    const seedOf = (dataset: string) =>
      load(`name: t\nseed: 5\ndataset: ${dataset}\nscore: { network: { kind: mlp } }`).variants[0]!.config
        .dataset.seed;
    expect(seedOf('{ name: usps }')).toBeUndefined();
    expect(seedOf('{ name: usps, validation: { share: 0.1 } }')).toBe(5);
    expect(seedOf('{ name: usps, perClass: 10 }')).toBe(5);
    expect(seedOf('{ name: mnist-distractor, seed: 2 }')).toBe(2);
  });

  it('seeds the points of the toy set', () => {
    const text =
      'name: t\nseed: 5\ndataset: { name: toy }\nscore: { kind: analytic }\ntrain: { network: { kind: mlp } }';
    expect(load(text).variants[0]!.config.dataset.seed).toBe(5);
  });

  it('is frozen through and through', () => {
    const { config } = load(BASE).variants[0]!;
    expect(() => Object.assign(config.train.optimizer, { kind: 'sgd' })).toThrow(TypeError);
  });

  it('runs every variant with every combination of the matrix', () => {
    const text = `${BASE}variants: [{ label: a }, { label: b, train: { epochs: 2 } }]
matrix: { train.lambda: [0, 5], score.seed: [1, 2], train.seed: [9] }`;
    const { variants } = load(text);
    expect(variants.map(({ label }) => label)).toEqual([
      'a lambda=0 score.seed=1 train.seed=9',
      'a lambda=0 score.seed=2 train.seed=9',
      'a lambda=5 score.seed=1 train.seed=9',
      'a lambda=5 score.seed=2 train.seed=9',
      'b lambda=0 score.seed=1 train.seed=9',
      'b lambda=0 score.seed=2 train.seed=9',
      'b lambda=5 score.seed=1 train.seed=9',
      'b lambda=5 score.seed=2 train.seed=9',
    ]);
    const { train, score } = variants[6]!.config;
    expect([train.lambda, train.epochs, train.seed, score.seed]).toEqual([5, 2, 9, 1]);
  });

  it('names combinations alone where there are no variants', () => {
    const { variants } = load(`${BASE}matrix: { train.method: [vanilla, pag] }`);
    expect(variants.map(({ label }) => label)).toEqual(['method=vanilla', 'method=pag']);
  });

  it('replaces a section whole when a variant changes its kind', () => {
    const text = `${BASE}train: { optimizer: { kind: adam, beta1: 0.8 } }
variants: [{ label: a, train: { optimizer: { kind: sgd } } }, { label: b, train: { optimizer: { beta2: 0.5 } } }]`;
    const [a, b] = load(text).variants.map(({ config }) => config.train.optimizer);
    expect(a).toEqual({ kind: 'sgd', learningRate: 0.1, momentum: 0.9, nesterov: false, weightDecay: 0 });
    expect(b).toMatchObject({ kind: 'adam', beta1: 0.8, beta2: 0.5 });
  });

  it('takes a layer by its kind alone, and changes one layer of a list', () => {
    const text = `${BASE}train: { network: { kind: cnn, layers: [{ kind: conv, channels: 4 }, relu, flatten, dense] } }
variants: [{ label: a }, { label: b, train: { network: { layers: { '0': { kind: max-pool }, '1': { kind: elu } } } } }]`;
    const [a, b] = load(text).variants.map(({ config }) => config.train.network);
    const dense = { kind: 'dense', bias: true };
    const convolution = { kind: 'conv', channels: 4, kernel: 3, stride: 1, bias: true };
    const flatten = { kind: 'flatten' };
    expect(a).toMatchObject({ layers: [convolution, { kind: 'relu' }, flatten, dense] });
    expect(b).toMatchObject({ layers: [{ kind: 'max-pool', size: 2 }, { kind: 'elu' }, flatten, dense] });
  });

  it('comes back from its resolved form as it was', () => {
    for (const preset of presetNames()) {
      const experiment = loadExperiment(readPreset(preset));
      expect(load(resolvedYaml(experiment))).toEqual(experiment);
    }
  });
});

describe('--set', () => {
  it('wins over the file and its variants', () => {
    const text = `${BASE}variants: [{ label: a, train: { lambda: 3 } }]`;
    const { train, attack } = load(text, [
      'train.lambda=5',
      'train.optimizer.learningRate=0.01',
      'attack.attacks.0.steps=7',
      'train.targetsPerImage=all',
    ]).variants[0]!.config;
    expect(train).toMatchObject({
      lambda: 5,
      targetsPerImage: 'all',
      optimizer: { kind: 'adam', learningRate: 0.01 },
    });
    expect(attack.attacks[0]).toMatchObject({ steps: 7, eps: [0.5, 1, 1.5] });
  });

  it('changes the name, one variant, and the matrix', () => {
    const text = `${BASE}variants: [{ label: a }, { label: b }]`;
    const { name, variants } = load(text, ['name=y', 'variants.1.label=c', 'matrix.train.lambda=[1, 2]']);
    expect(name).toBe('y');
    expect(variants.map(({ label }) => label)).toEqual([
      'a lambda=1',
      'a lambda=2',
      'c lambda=1',
      'c lambda=2',
    ]);
  });
});

describe('problems', () => {
  it('are all told at once, each with its place', () => {
    const text = `name: a/b
dataset: { name: uspss, size: 0 }
lambda: 3
train:
  lamda: 3
  epochs: ten
  optimizer: { kind: sdg }
  network: { kind: cnn, layers: [{ kind: conv, chanels: 2 }, { kind: conf }, rleu, 3] }
  schedule: { kind: steps, epochs: [] }
  targetsPerImage: al
  batchSize: 1.5
  lambda: .nan
  gradientOf: ''
  augment: { flip: 1 }
report: { title: [a] }
score: 3
`;
    expect(problemsIn(text).sort()).toEqual(
      [
        'name: expected letters, digits, dots, dashes and underscores, found the text "a/b"',
        `dataset.name: expected one of ${DATASET_NAMES.join(', ')}, found the text "uspss"`,
        'dataset.size: expected a number >= 1, found 0',
        'lambda: expected the name of a setting, found an unknown one; the nearest is train.lambda',
        'train.lamda: expected the name of a setting, found an unknown one; the nearest is train.lambda',
        'train.epochs: expected a number, found the text "ten"',
        'train.optimizer.kind: expected one of adam, sgd, found the text "sdg"',
        'train.network.layers[0].channels: expected a number, found nothing',
        'train.network.layers[0].chanels: expected the name of a setting, found an unknown one; the nearest is train.network.layers[0].channels',
        'train.network.layers[1].kind: expected one of conv, dense, batch-norm, layer-norm, group-norm, relu, elu, tanh, sigmoid, softplus, gelu, gelu-tanh, silu, leaky-relu, max-pool, avg-pool, global-avg-pool, flatten, dropout, found the text "conf"',
        'train.network.layers[2]: expected one of dense, batch-norm, layer-norm, relu, leaky-relu, elu, tanh, sigmoid, softplus, gelu, gelu-tanh, silu, max-pool, avg-pool, global-avg-pool, flatten, dropout or a group of settings, found the text "rleu"',
        'train.network.layers[3]: expected one of dense, batch-norm, layer-norm, relu, leaky-relu, elu, tanh, sigmoid, softplus, gelu, gelu-tanh, silu, max-pool, avg-pool, global-avg-pool, flatten, dropout or a group of settings, found 3',
        'train.schedule.epochs: expected a list that is not empty, found an empty list',
        'train.targetsPerImage: expected all or a number, found the text "al"',
        'train.batchSize: expected a whole number, found 1.5',
        'train.lambda: expected a number, found NaN',
        'train.gradientOf: expected one of logit, log-softmax, found the text ""',
        'train.augment.flip: expected true or false, found 1',
        'report.title: expected a text, found a list of 1',
        'score: expected a group of settings, found 3',
      ].sort(),
    );
  });

  it('in a variant, the matrix or the command line are told with their place there, and once', () => {
    const text = `${BASE}train: { batchSize: 0 }
variants:
  - { label: a, train: { epohs: 3 } }
  - 3
  - { label: '', precompute: { method: sgb } }
matrix: { train.lamda: [1, 2], seed: [1, -1], train.epochs: [] }`;
    expect(problemsIn(text, ['trian.epochs=3', 'foo', 'a=[1,', 'train.clipNorm=-1']).sort()).toEqual(
      [
        '--set foo: expected SETTING=VALUE, found no "=" after a name',
        '--set a: expected a YAML value, found line 1, column 4: Flow sequence must end with a ]',
        '--set trian.epochs: expected the name of a setting, found an unknown one; the nearest is train',
        '--set train.clipNorm: expected a number > 0, found -1',
        'train.batchSize: expected a number >= 1, found 0',
        'variants[0].train.epohs: expected the name of a setting, found an unknown one; the nearest is train.epochs',
        'variants[1]: expected a group of settings, found 3',
        'variants[2].label: expected a text that is not empty, found the text ""',
        'variants[2].precompute.method: expected one of sbg, nearest-neighbor, class-mean, one-image, found the text "sgb"',
        'matrix.train.lamda[0]: expected the name of a setting, found an unknown one; the nearest is train.lambda',
        'matrix.train.lamda[1]: expected the name of a setting, found an unknown one; the nearest is train.lambda',
        'matrix.seed[1]: expected a number >= 0, found -1',
        'matrix.train.epochs: expected a list that is not empty, found an empty list',
      ].sort(),
    );
  });

  it.each([
    ['', ['name: expected a text, found nothing', 'dataset: expected a group of settings, found nothing']],
    ['- 1', ['the whole file: expected a group of settings, found a list of 1']],
    [
      'a: 1\na: 2\nb: [1,',
      [
        'line 2, column 1: Map keys must be unique',
        'line 3, column 7: Flow sequence in block collection must be sufficiently indented and end with a ]',
      ],
    ],
    ['a: *b', ['Unresolved alias (the anchor must be set before the alias): b']],
    ['a: &b [*b]', ['Converting circular structure to JSON']],
    ['a: !b 1', ['line 1, column 4: Unresolved tag: !b']],
    [`${BASE}seed: 4294967296`, ['seed: expected a number <= 4294967295, found 4294967296']],
    [
      `name: Locks\ndataset: { name: usps }`,
      ['name: expected a name that the runs directory does not use itself, found Locks'],
    ],
    [
      `${BASE}variants: [{ label: a }, { label: a }]`,
      ['variants[1].label: expected a label of its own, found a as in variants[0]'],
    ],
    [
      `${BASE}matrix: { seed: [${Array.from({ length: 1001 }, (_, i) => i)}] }`,
      ['matrix: expected at most 1000 variants in all, found 1001'],
    ],
    [
      `${BASE}train: { microBatch: 300 }`,
      ['train.microBatch: expected at most train.batchSize (128), found 300'],
    ],
    [
      `${BASE}train: { network: { kind: resnet18, widths: [8, 16, 32] } }`,
      ['train.network.widths: expected a list of 4, found a list of 3'],
    ],
    [
      `${BASE}train: { network: { kind: resnet18, widths: [8, 16, 32, 64, 128] } }`,
      ['train.network.widths: expected a list of 4, found a list of 5'],
    ],
    [
      `${BASE}train: { network: { kind: wide-resnet, depth: 18, widen: 0.3 } }`,
      [
        'train.network.depth: expected 6 n + 4, such as 16, 28 or 40, found 18',
        'train.network.widen: expected a multiple of 0.0625, found 0.3',
      ],
    ],
    [
      `${BASE}train: { network: { kind: cnn, layers: [relu] } }`,
      [
        'train.network.layers[0]: expected one value, [10], for each class behind the last layer, which dense without units makes, found [16, 16, 1]',
      ],
    ],
    [
      `name: x\ndataset: { name: folder, folder: pets, size: 30 }\ntrain: { network: { kind: vit } }`,
      ["train.network.patch: expected a divisor of the images' sides, 30 and 30, found 4"],
    ],
    [
      `${BASE}score: { network: { kind: song-unet, filter: [1, 2, 1] } }`,
      ['score.network.filter: expected an even number of taps, found a list of 3'],
    ],
    [
      `name: x\ndataset: { name: folder, folder: pets, size: 30 }\nscore: { network: { kind: dhariwal-unet } }`,
      [
        'score.network.multipliers: expected so few resolutions that a side of 30 pixels can be halved between them, found 4',
      ],
    ],
    [
      `${BASE}score: { kind: analytic }`,
      [
        'score.kind: expected edm or ddpm, because an exact score is known for the toy data only, found analytic',
      ],
    ],
    [
      `${BASE}score: { microBatch: 300, augment: { flip: true } }`,
      [
        'score.microBatch: expected at most score.batchSize (128), found 300',
        'score.network.augmentations: expected 3, because score.augment tells the network what was done in as many numbers, found 0',
      ],
    ],
    [
      `${BASE}score: { network: huge }`,
      ['score.network: expected one of toy, small, large or a group of settings, found the text "huge"'],
    ],
    [
      `${BASE}score: { network: { kind: unet, chanels: 3 } }`,
      [
        'score.network.chanels: expected the name of a setting, found an unknown one; the nearest is score.network.channels',
      ],
    ],
    [
      'name: x\ndataset: { name: folder }',
      [
        'dataset.folder: expected a value, because dataset.name is folder, found nothing',
        'dataset.size: expected a value, because dataset.name is folder, found nothing',
      ],
    ],
    [
      'name: x\ndataset: { name: toy }',
      [
        'score.network.kind: expected mlp, or score.kind analytic, because the toy data are points, found unet',
        'train.network.kind: expected mlp, because the data are points, found cnn',
      ],
    ],
    [
      `${BASE}variants: [{ label: a, train: { lambda: 1 } }]\nmatrix: { train.lambda: [1], train: [{ epochs: 1 }] }`,
      [
        'matrix.train: expected a setting that the matrix does not vary, found it as matrix.train.lambda',
        'variants[0].train.lambda: expected a setting that the matrix does not vary, found it as matrix.train.lambda',
        'variants[0].train: expected a setting that the matrix does not vary, found it as matrix.train',
      ],
    ],
  ])('of file %#', (text, lines) => {
    expect(problemsIn(text)).toEqual(lines);
  });

  it('are told where the matrix varies a setting of the command line', () => {
    expect(problemsIn(`${BASE}matrix: { train.lambda: [1, 2] }`, ['train.lambda=3'])).toEqual([
      "--set train.lambda: expected a setting that the matrix does not vary, found it as matrix.train.lambda; use --set 'matrix.train.lambda=[…]'",
    ]);
  });

  it('do not come from names that mean something to JavaScript', () => {
    expect(problemsIn(`${BASE}__proto__: { train: 1 }\nconstructor: 1`)).toHaveLength(2);
    expect(problemsIn(BASE, ['__proto__.polluted=1'])).toHaveLength(1);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
