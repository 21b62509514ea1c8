/** Score models through `pipeline model`: weights that the code published with EDM made, in and out again. */
import '../../../support/engine.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadScoreModel } from '../../../../stages/numerics/diffusion/score-model.ts';
import { registerGradients } from '../../../../stages/numerics/gradients/register.ts';
import { tf } from '../../../../stages/numerics/tensor/tf.ts';
import { sha256 } from '../../../../store/content-hash.ts';
import { readTensors, writeTensors } from '../../../../store/tensor-file.ts';
import { temporaryFolder } from '../../../store/support/temporary-folder.ts';
import { relativeError } from '../../../support/hessian-vector.ts';
import { images, plain, type TorchTensors } from '../../../support/torch-tensors.ts';
import { model, OPTIONS, type StateDict, save, stateDict } from './fixture.ts';

const ADM =
  '{kind: dhariwal-unet, channels: 4, multipliers: [2, 3], blocks: 1, attention: [8, 4], augmentations: 2, headChannels: 4}';

beforeAll(registerGradients);

/** A state_dict as EDM's wrapper gives it, and figures of its network. */
async function published(name: string) {
  const path = fileURLToPath(new URL(`../../../fixtures/torch/edm-${name}.safetensors`, import.meta.url));
  const { tensors } = await readTensors(path);
  const group = (letter: string): TorchTensors =>
    Object.fromEntries(
      Object.entries(tensors).flatMap(([key, t]) =>
        key.startsWith(letter) ? [[key.slice(letter.length), t]] : [],
      ),
    );
  return { weights: group('w.'), inputs: group('in.'), out: group('out.') };
}

/** Values that training moves, and the rates of Fourier embeddings. */
function countOf(weights: TorchTensors): number {
  const kept = Object.entries(weights).filter(([name]) => !name.endsWith('.resample_filter'));
  return kept.reduce((sum, [, { data }]) => sum + data.length, 0);
}

async function saved(name: string) {
  const folder = await temporaryFolder();
  const { weights, ...figures } = await published(name);
  const path = await save(folder, weights as StateDict);
  return { folder, path, weights, made: join(folder, 'model'), ...figures };
}

describe('import, then export', () => {
  it.each([
    ['ncsnpp', [], 'song-unet (N parameters) for inputs of 16x16x3 and 4 classes'],
    ['skip', [], 'song-unet (N parameters) for inputs of 16x16x3 without classes'],
    ['adm-heads', ['--network', ADM], 'dhariwal-unet (N parameters) for inputs of 8x8x3 and 3 classes'],
  ])('%s: the network of the file, and its tensors again', async (name, options, told) => {
    const { folder, path, made, weights, inputs, out } = await saved(name);
    const { stdout, stderr } = await model('import', path, made, ...options);
    expect(stderr).toBe('');
    expect(stdout).toBe(`Imported ${told.replace('N', countOf(weights).toLocaleString('en'))} into ${made}.
The names in the file begin with model., which is left out.
It denoises as edm does, and sees pixels · 2 - 1.
Look at it with: pipeline model show ${made}
`);
    const { network, parameters, classes } = await loadScoreModel(made);
    const column = tf.reshape(plain(inputs.sigma!), [-1, 1, 1, 1]);
    const inside = tf.div(images(inputs.x!), tf.sqrt(tf.add(tf.square(column), 0.25)));
    const noise = tf.div(tf.log(plain(inputs.sigma!)), 4) as tf.Tensor1D;
    const oneHot = inputs.one_hot === undefined ? tf.zeros([2, 0]) : plain(inputs.one_hot);
    expect(classes).toBe(oneHot.shape[1]);
    const found = network.forward(parameters, inside, noise, oneHot as tf.Tensor2D);
    expect(relativeError([found], [images(out.F!)])).toBeLessThan(1e-5);

    const back = join(folder, 'back.safetensors');
    expect((await model('export', made, back)).code).toBe(0);
    const { tensors } = await readTensors(back);
    const named = Object.entries(weights).map(([key, t]) => [key.replace(/^model\./, ''), t]);
    expect(tensors).toEqual(Object.fromEntries(named));
    expect((await model('import', back, join(folder, 'again'))).code).toBe(0);
    const read = (which: string) => JSON.parse(readFileSync(join(folder, which, 'model.json'), 'utf8'));
    const { provenance, ...first } = read('model');
    expect(provenance).toEqual({
      file: 'weights.safetensors',
      sha256: sha256(readFileSync(path)),
      prefix: 'model.',
    });
    expect(read('again')).toMatchObject(first);
  });

  it('takes what the options say over what the tensors tell', async () => {
    const { path, made, weights } = await saved('ncsnpp');
    const options = ['--classes', 'ant,bee,cat,dog', '--scale', '1,0', '--json'];
    const ddpm = '{kind: ddpm, steps: 100, schedule: cosine, noiseInput: step}';
    const { stdout } = await model('import', path, made, ...options, '--preconditioning', ddpm);
    expect(JSON.parse(stdout)).toMatchObject({
      version: 2,
      network: {
        kind: 'song-unet',
        channels: 8,
        multipliers: [1, 2, 1],
        blocks: 1,
        attention: [8],
        augmentations: 9,
        embedding: 'fourier',
        noiseMultiplier: 2,
        encoder: 'residual',
        decoder: 'standard',
        filter: [1, 3, 3, 1],
      },
      preconditioning: { kind: 'ddpm', steps: 100, schedule: 'cosine', noiseInput: 'step' },
      scale: { factor: 1, shift: 0 },
      shape: [16, 16, 3],
      classNames: ['ant', 'bee', 'cat', 'dog'],
      parameters: countOf(weights),
      prefix: 'model.',
    });
  });

  it('of a network that learns a variance too, whose channels come behind those of the noise', async () => {
    const { weights, inputs, out } = await published('adm-heads');
    const doubled = ({ shape, data }: { shape: number[]; data: ArrayLike<number> }) => ({
      shape: [2 * shape[0]!, ...shape.slice(1)],
      data: Float32Array.from([...Array.from(data), ...Array.from(data, (value) => 3 - value)]),
    });
    const last = ['weight', 'bias'].map((part) => `model.out_conv.${part}`);
    const wide = { ...weights, ...Object.fromEntries(last.map((name) => [name, doubled(weights[name]!)])) };
    const folder = await temporaryFolder();
    // The official wrapper keeps its noise levels in the file.
    const path = await save(folder, {
      ...wide,
      u: { shape: [3], data: Float32Array.of(1, 2, 3) },
    } as StateDict);
    const made = join(folder, 'model');
    const iddpm = '{kind: ddpm, steps: 1000, schedule: cosine, noiseInput: step, learnsVariance: true}';
    expect((await model('import', path, made)).stderr).toContain(
      `Expected --preconditioning for a network whose output has twice the channels of its input, found none; it predicts the noise and a variance, as '${iddpm}' says of the one published.`,
    );
    const words = ['--network', ADM, '--preconditioning', iddpm, '--ignore', 'u'];
    expect((await model('import', path, made, ...words)).stderr).toBe('');
    const { network, parameters } = await loadScoreModel(made);
    const column = tf.reshape(plain(inputs.sigma!), [-1, 1, 1, 1]);
    const inside = tf.div(images(inputs.x!), tf.sqrt(tf.add(tf.square(column), 0.25)));
    const noise = tf.div(tf.log(plain(inputs.sigma!)), 4) as tf.Tensor1D;
    const found = network.forward(parameters, inside, noise, plain(inputs.one_hot!) as tf.Tensor2D);
    expect(found.shape).toEqual([2, 8, 8, 6]);
    expect(relativeError([tf.slice(found, 0, [2, 8, 8, 3])], [images(out.F!)])).toBeLessThan(1e-5);
  });

  it('of a score network of points', async () => {
    const folder = await temporaryFolder();
    const tensor = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)) });
    const tensors = {
      'fc1.weight': tensor(8, 20),
      'fc1.bias': tensor(8),
      'fc2.weight': tensor(2, 8),
      'fc2.bias': tensor(2),
    };
    const words = [
      '--network',
      '{kind: mlp, hidden: [8]}',
      '--shape',
      '2',
      '--classes',
      '2',
      '--scale',
      '0.1,0',
    ];
    const made = join(folder, 'model');
    const { stdout } = await model(
      'import',
      await save(folder, tensors),
      made,
      ...words,
      '--preconditioning',
      '{kind: edm, sigmaData: 0.5}',
    );
    expect(stdout).toContain('Imported mlp (186 parameters) for inputs of 2 and 2 classes');
    expect((await loadScoreModel(made)).scale).toEqual({ factor: 0.1, shift: 0 });
  });
});

describe('show', () => {
  it('tells what a score model is', async () => {
    const { path, made, weights } = await saved('skip');
    await model('import', path, made);
    const { stdout } = await model('show', made);
    expect(stdout).toMatch(/^Network +song-unet\nSettings +channels:4, multipliers:\[2, 1, 1\]/);
    expect(stdout).toContain(`Inputs         16x16x3
Denoises       as edm does, sigmaData:0.5
Scale          x · 2 - 1
Classes        none
Parameters     ${countOf(weights).toLocaleString('en')}
Imported from  weights.safetensors sha256`);
    expect(stdout).toMatch(/^map_noise.freqs +\[4\] +4$/m);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
});

describe('messages', () => {
  const refused = async (name: string, ...words: string[]) => {
    const { path, made } = await saved(name);
    const { stderr, code } = await model('import', path, made, ...words);
    expect(code).toBe(1);
    return stderr.replaceAll(path, 'FILE');
  };
  const HELP = ' `pipeline model import --help` explains the options.\n';

  it.each([
    [
      ['--mean', '0.5'],
      'Expected --scale for a score model, found --mean; give FACTOR,SHIFT (2,-1 for networks that see [-1, 1], the default).',
    ],
    [
      ['--std', '0.5'],
      'Expected --scale for a score model, found --std; give FACTOR,SHIFT (2,-1 for networks that see [-1, 1], the default).',
    ],
    [
      ['--scale', '2'],
      'Expected --scale as FACTOR,SHIFT with a factor > 0 (2,-1 for networks that see [-1, 1]), got 2.',
    ],
    [
      ['--scale', '-2,1'],
      'Expected --scale as FACTOR,SHIFT with a factor > 0 (2,-1 for networks that see [-1, 1]), got -2,1.',
    ],
  ])('%j', async (words, message) => {
    expect(await refused('skip', ...words)).toBe(`${message}${HELP}`);
  });

  it('of a score network without the rest, and of a scale for a classifier', async () => {
    const folder = await temporaryFolder();
    const path = await save(folder, stateDict());
    const of = async (...words: string[]) =>
      (await model('import', path, join(folder, 'model'), ...words)).stderr;
    expect(await of('--network', '{kind: unet}')).toContain(
      'Expected --network, --shape and --classes, found no --shape and no --classes; only files of `pipeline model export` and networks published with EDM say them themselves.',
    );
    expect(await of(...OPTIONS, '--scale', '2,-1')).toContain(
      'Expected --scale with a score model alone, found it with a classifier; it takes --mean and --std.',
    );
  });

  it('of another filter than that of the file', async () => {
    const network =
      '{kind: song-unet, channels: 4, multipliers: [2, 1, 1], blocks: 1, attention: [4], embedding: fourier, noiseMultiplier: 2, encoder: skip, decoder: skip, filter: [1, 2, 2, 1]}';
    expect(await refused('skip', '--network', network)).toContain(
      'Expected in tensor enc.8x8_down.conv0.resample_filter of FILE the filter [0.0278, 0.0556, 0.0556, 0.0278, 0.0556, 0.1111, 0.1111, 0.0556, 0.0556, 0.1111, 0.1111, 0.0556, 0.0278, 0.0556, 0.0556, 0.0278] that --network gives, found [0.0156, 0.0469, 0.0469, 0.0156, 0.0469, 0.1406, 0.1406, 0.0469, 0.0469, 0.1406, 0.1406, 0.0469, 0.0156, 0.0469, 0.0469, 0.0156]; set filter as the weights were trained with.',
    );
  });

  it('of a preconditioning that is none', async () => {
    expect(await refused('skip', '--preconditioning', '{kind: vp}')).toContain(
      '--preconditioning {kind: vp} has 1 problem:\n  kind: expected one of edm, ddpm, found the text "vp"',
    );
    expect(await refused('skip', '--preconditioning', '{x')).toContain('--preconditioning {x has');
  });

  it('of missing tensors, with what the file has', async () => {
    const { weights, folder, made } = await saved('adm-heads');
    const path = join(folder, 'other.safetensors');
    const renamed = Object.entries(weights).map(([key, t]) => [key.replace('.qkv.', '.to_qkv.'), t]);
    await writeTensors(path, Object.fromEntries(renamed));
    const { stderr } = await model('import', path, made, '--network', ADM);
    expect(stderr).toContain('Missing:\n');
    expect(stderr).toContain('"enc.8x8_block0.qkv": "enc.8x8_block0.to_qkv"');
  });
});
