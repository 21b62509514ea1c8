/** Every message of `pipeline model`, whole; and that nothing is written where one is told. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { conversionScript } from '../../../../pipeline/commands/model/weights-file.ts';
import { MAY_MOUNT, NEEDS_MOUNT, smallDisk } from '../../../store/support/small-disk.ts';
import { temporaryFolder } from '../../../store/support/temporary-folder.ts';
import { ROOT } from '../../../support/imports.ts';
import { model, OPTIONS, rename, type StateDict, save, stateDict } from './fixture.ts';

const EXPLAINED = ' `pipeline model import --help` explains the options.\n';
const CORRECT = 'Correct them and run the same command again; `pipeline schema` prints every setting.\n';
const CORRECT_MAP =
  'Correct them and run the same command again; `pipeline model show FILE` lists the names in a file of weights.\n';

/** Imports tensors, and tells what went wrong; F stands for the folder of the files. */
async function refused(
  tensors: StateDict,
  words: string[],
  files: Record<string, string> = {},
  metadata = {},
) {
  const folder = await temporaryFolder();
  const source = await save(folder, tensors, metadata);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const made = join(folder, 'model');
  const placed = words.map((word) => word.replace(/^F\b/, folder));
  const { code, stdout, stderr } = await model('import', source, made, ...placed);
  expect({ code, stdout, isThere: existsSync(made) }).toEqual({ code: 1, stdout: '', isThere: false });
  return stderr.replaceAll(folder, 'F');
}

const weight = (...shape: number[]) => ({
  shape,
  data: new Float32Array(shape.reduce((product, side) => product * side, 1)),
});

describe('words', () => {
  it.each([
    [['import'], 'Expected a file and a folder (pipeline model import WEIGHTS.safetensors FOLDER).'],
    [['import', 'a'], 'Expected a file and a folder (pipeline model import WEIGHTS.safetensors FOLDER).'],
    [['export', 'a'], 'Expected a model folder and a file (pipeline model export FOLDER OUT.safetensors).'],
    [['show'], 'Expected a model folder or a file of weights after show.'],
  ])('%j are too few', async (words, sentence) => {
    expect(await model(...words)).toEqual({ code: 1, stdout: '', stderr: `${sentence}${EXPLAINED}` });
  });

  const LISTED = ' `pipeline --help` lists commands and options.\n';
  it.each([
    [[], `Expected an action after model (import, export, show, sample), found none.${LISTED}`],
    [['imprt'], `Expected an action after model, got "imprt"; did you mean import?${LISTED}`],
    [['show', 'a', 'b'], `Expected no more words for model show, got "b".${LISTED}`],
    [['show', 'a', '--shpe', '1'], `Expected an option, got "--shpe"; did you mean --shape?${LISTED}`],
    [
      ['import', 'a', 'b', '--std', '1', '--std', '2'],
      'Expected --std at most once, got it several times; leave one out.\n',
    ],
  ])('%j are wrong', async (words, stderr) => {
    expect(await model(...words)).toEqual({ code: 1, stdout: '', stderr });
  });
});

describe('options', () => {
  const network = (text: string) => ['--network', text, '--shape', '8x8x3', '--classes', '2'];
  it.each([
    [
      [],
      'Expected --network, --shape and --classes, found no --network and no --shape and no --classes; only files of `pipeline model export` say them themselves.',
    ],
    [[...OPTIONS, '--shape=8x8'], 'Expected --shape at most once, got it several times; leave one out.'],
  ])('%j', async (words, sentence) => {
    const stderr = await refused(stateDict(), words);
    expect(stderr.replace(EXPLAINED, '').trimEnd()).toBe(sentence);
  });

  it.each([
    ['8x8', 'Expected --shape as HEIGHTxWIDTHxCHANNELS (32x32x3), or as one number for points, got 8x8.'],
    ['0', 'Expected --shape as HEIGHTxWIDTHxCHANNELS (32x32x3), or as one number for points, got 0.'],
    [
      '3x32x24',
      'Expected --shape as HEIGHTxWIDTHxCHANNELS, got 3x32x24, which has the channels first; did you mean 32x24x3?',
    ],
  ])('--shape %s', async (shape, sentence) => {
    const words = ['--network', '{kind: resnet18}', '--shape', shape, '--classes', '2'];
    expect(await refused(stateDict(), words)).toBe(`${sentence}${EXPLAINED}`);
  });

  it.each([
    ['a,b,a', `Expected --classes to name each class once, got a twice in a,b,a.${EXPLAINED}`],
    ['1', `Expected --classes to give at least 2 classes, got 1 from 1.${EXPLAINED}`],
    [
      'F/names.txt',
      'Expected --classes as a number, as names with commas between them, or as a file with a name per line, found no file F/names.txt; check the path.\n',
    ],
    [
      'F',
      'Expected to read the file F for --classes, found that it cannot be read (EISDIR); check that it is a file and that you may read it.\n',
    ],
  ])('--classes %s', async (classes, stderr) => {
    const words = ['--network', '{kind: resnet18}', '--shape', '8x8x3', '--classes', classes];
    expect(await refused(stateDict(), words)).toBe(stderr);
  });

  it.each([
    [
      ['--mean', '1,2'],
      'Expected --mean to give numbers in the units of the pixels, [0, 1] (one, or 3 with commas between them), got 1,2.',
    ],
    [
      ['--mean', '1,,2'],
      'Expected --mean to give numbers in the units of the pixels, [0, 1] (one, or 3 with commas between them), got 1,,2.',
    ],
    [
      ['--std', '0'],
      'Expected --std to give numbers > 0 in the units of the pixels, [0, 1] (one, or 3 with commas between them), got 0.',
    ],
  ])('%j', async (words, sentence) => {
    expect(await refused(stateDict(), [...OPTIONS, ...words])).toBe(`${sentence}${EXPLAINED}`);
  });

  it('--std of images with one channel', async () => {
    const words = ['--network', '{kind: mlp}', '--shape', '8x8x1', '--classes', '2', '--std', '1,1'];
    expect(await refused({}, words)).toBe(
      `Expected --std to give numbers > 0 in the units of the pixels, [0, 1] (one), got 1,1.${EXPLAINED}`,
    );
  });

  it.each([
    [
      '{kind: resnt18}',
      `--network {kind: resnt18} has 1 problem:\n  kind: expected one of mlp, cnn, resnet18, wide-resnet, resnet50, vit, found the text "resnt18"\n${CORRECT}`,
    ],
    [
      '{kind: mlp, hiden: [3]}',
      `--network {kind: mlp, hiden: [3]} has 1 problem:\n  hiden: expected the name of a setting, found an unknown one; the nearest is hidden\n${CORRECT}`,
    ],
    [
      '{kind: mlp',
      `--network {kind: mlp has 1 problem:\n  line 1, column 11: Flow map must end with a }\n${CORRECT}`,
    ],
    [
      'F/list.yaml',
      `F/list.yaml has 1 problem:\n  expected the settings of a network, found a list of 1\n${CORRECT}`,
    ],
    [
      'resnet18',
      "Expected --network as YAML in braces ('{kind: resnet18}') or as a file, found no file resnet18; check the path.\n",
    ],
  ])('--network %s', async (text, stderr) => {
    expect(await refused(stateDict(), network(text), { 'list.yaml': '[1]' })).toBe(stderr);
  });

  it.each([
    ['{', 'line 1, column 2: Flow map must end with a }'],
    ['[fc]', 'expected our names with theirs ({"linear": "fc"}), found a list of 1'],
    ['linear: 3', 'linear: expected the name in the file, found 3'],
    ['liner: fc', 'liner: expected a tensor or module of the network, found none; the nearest is linear'],
    ['"*.*.bn1": "*.norm"', '*.*.bn1: expected as many * in the name in the file, found *.norm'],
  ])('--map with %s', async (text, line) => {
    const words = [...OPTIONS, '--map', 'F/map.yaml'];
    expect(await refused(stateDict(), words, { 'map.yaml': text })).toBe(
      `F/map.yaml has 1 problem:\n  ${line}\n${CORRECT_MAP}`,
    );
  });

  it('--map without a file, --ignore of nothing', async () => {
    expect(await refused(stateDict(), [...OPTIONS, '--map', 'F/map.yaml'])).toBe(
      'Expected --map as a file {ours: theirs}, found no file F/map.yaml; check the path.\n',
    );
    expect(await refused(stateDict(), [...OPTIONS, '--ignore', 'aux'])).toBe(
      `Expected --ignore to name a tensor or module of F/weights.safetensors, found no aux there.${EXPLAINED}`,
    );
  });
});

describe('tensors', () => {
  it('of other names are listed, with the map that their shapes suggest', async () => {
    const renamed = rename(
      stateDict(),
      (name) => `m.${name.replace('linear', 'fc').replace('shortcut', 'down')}`,
    );
    expect(
      await refused(renamed, OPTIONS),
    ).toBe(`Expected the 102 tensors of the network resnet18 in F/weights.safetensors behind the prefix m., found 17 missing, 17 unexpected.
Missing:
  layer2.0.shortcut.0.weight [3, 2, 1, 1]
  layer2.0.shortcut.1.weight [3]
  layer2.0.shortcut.1.bias [3]
  layer3.0.shortcut.0.weight [4, 3, 1, 1]
  layer3.0.shortcut.1.weight [4]
  layer3.0.shortcut.1.bias [4]
  layer4.0.shortcut.0.weight [5, 4, 1, 1]
  layer4.0.shortcut.1.weight [5]
  layer4.0.shortcut.1.bias [5]
  linear.weight [2, 5]
  and 7 more
Unexpected:
  fc.bias [2]
  fc.weight [2, 5]
  layer2.0.down.0.weight [3, 2, 1, 1]
  layer2.0.down.1.bias [3]
  layer2.0.down.1.running_mean [3]
  layer2.0.down.1.running_var [3]
  layer2.0.down.1.weight [3]
  layer3.0.down.0.weight [4, 3, 1, 1]
  layer3.0.down.1.bias [4]
  layer3.0.down.1.running_mean [4]
  and 7 more
By their shapes these may be the same; look it through, put it into a file and add --map FILE:
{
  "layer2.*.shortcut.*": "layer2.*.down.*",
  "layer3.*.shortcut.*": "layer3.*.down.*",
  "layer4.*.shortcut.*": "layer4.*.down.*",
  "linear": "fc"
}
`);
  });

  const head = 'Expected the 2 tensors of the network mlp in F/weights.safetensors, found';
  const linear = ['--network', '{kind: mlp, hidden: []}', '--shape', '3', '--classes', '2'];
  it.each<[string, StateDict, string]>([
    [
      'without a likeness',
      { 'fc1.weight': weight(2, 3), b: weight(9) },
      `${head} 1 missing, 1 unexpected.\nMissing:\n  fc1.bias [2]\nUnexpected:\n  b [9]\nSay with --map FILE what ours are called there ({"ours": "theirs", …}), or choose the network they were trained with.\n`,
    ],
    [
      'too few, and of another shape',
      { 'fc1.weight': weight(4, 3) },
      `${head} 1 missing, 1 of another shape.\nMissing:\n  fc1.bias [2]\nOf another shape:\n  fc1.weight [2, 3], found [4, 3]\nChoose --network, --shape and --classes as the weights were trained with.\n`,
    ],
    [
      'too many',
      { 'fc1.weight': weight(2, 3), 'fc1.bias': weight(2), 'norm.mean': weight(3) },
      `${head} 1 unexpected.\nUnexpected:\n  norm.mean [3]\nLeave them out with --ignore NAME if the logits do not depend on them (a mean and std belong into --mean and --std).\n`,
    ],
  ])('%s', async (_, tensors, stderr) => {
    expect(await refused(tensors, linear)).toBe(stderr);
  });

  it('that a map looks for in vain are told with the name it gives', async () => {
    const tensors = { 'fc1.weight': weight(2, 3), 'fc1.bias': weight(2) };
    const stderr = await refused(tensors, [...linear, '--map', 'F/map.json'], {
      'map.json': '{"fc1": "head"}',
    });
    expect(stderr).toContain('Missing:\n  fc1.weight [2, 3] as head.weight\n  fc1.bias [2] as head.bias\n');
  });

  it('that are not finite', async () => {
    const bias = { shape: [2], data: Float32Array.of(1, Number.NEGATIVE_INFINITY) };
    expect(await refused({ 'fc1.weight': weight(2, 3), 'fc1.bias': bias }, linear)).toBe(
      'Expected finite float32 values in F/weights.safetensors, found -Infinity in tensor fc1.bias (value 1); the training has diverged, or the value is too large for float32.\n',
    );
  });

  it('with a description that is damaged', async () => {
    expect(await refused({ 'fc1.weight': weight(2, 3) }, linear, {}, { model: '{}' })).toBe(
      'Expected the description of a model in F/weights.safetensors, found a wrong entry at version (Invalid input: expected 1); the file is damaged or of another kind, so import or train the model again.\n',
    );
  });
});

describe('files', () => {
  const script = (from: string) => `import torch
from safetensors.torch import save_file

found = torch.load("${from}", map_location="cpu", weights_only=True)
for key in ("state_dict", "model_state_dict", "model", "net"):
    if isinstance(found.get(key), dict):
        found = found[key]
tensors = {name: t.clone().contiguous() for name, t in found.items() if torch.is_tensor(t)}
save_file(tensors, "net.safetensors")
print(len(tensors), "tensors")
`;
  it.each<[string, Uint8Array, string]>([
    [
      'net.pt',
      Buffer.from('PK\x03\x04rest of an archive'),
      'a zip archive (as torch.save and numpy.savez write)',
    ],
    ['net.bin', Buffer.from([0x80, 2, 0x8a, 10, 0x6c, 0xfc]), 'a pickle (as torch.save wrote before 2020)'],
  ])('%s is a pickle, for import and show', async (name, bytes, found) => {
    const folder = await temporaryFolder();
    const path = join(folder, name);
    writeFileSync(path, bytes);
    const stderr = `Expected a safetensors file at ${path}, found ${found}; it is not read, because loading one can run any code that is hidden in it. Convert it once where you trust it, with \`pip install torch safetensors\` and this Python:\n\n${script(path)}`;
    expect(await model('import', path, join(folder, 'made'), ...OPTIONS)).toEqual({
      code: 1,
      stdout: '',
      stderr,
    });
    expect(await model('show', path)).toEqual({ code: 1, stdout: '', stderr });
    expect(readdirSync(folder)).toEqual([name]);
  });

  it('are converted by the same script in the documentation', () => {
    const documentation = readFileSync(join(ROOT, 'docs', 'models.md'), 'utf8');
    expect(documentation).toContain(conversionScript('resnet18.pt', 'resnet18.safetensors'));
  });

  it('a safetensors file under any name is read, also one whose first byte is that of a pickle', async () => {
    const folder = await temporaryFolder();
    const json = '{}'.padEnd(0x80);
    writeFileSync(
      join(folder, 'net.pt'),
      Buffer.concat([Buffer.from([0x80, 0, 0, 0, 0, 0, 0, 0]), Buffer.from(json)]),
    );
    expect((await model('show', join(folder, 'net.pt'))).stderr).toBe('');
  });

  it('that are not there, or are folders', async () => {
    const folder = await temporaryFolder();
    const [made, path] = [join(folder, 'made'), join(folder, 'w.safetensors')];
    expect((await model('import', path, made, ...OPTIONS)).stderr).toBe(
      `Expected a safetensors file at ${path}, found no file there. Check the path.\n`,
    );
    expect((await model('import', folder, made, ...OPTIONS)).stderr).toBe(
      `Expected to read a safetensors file at ${folder}, found that it cannot be read (EISDIR); check that it is a file and that you may read it.\n`,
    );
    expect((await model('show', join(folder, 'nowhere'))).stderr).toBe(
      `Expected a model (model.json and model.safetensors) in ${folder}/nowhere, found no model.json there; check the path, or make a model with \`pipeline model import\`.\n`,
    );
  });

  it('and folders that are there already are never written over', async () => {
    const folder = await temporaryFolder();
    const source = await save(folder, stateDict());
    const expected = async (target: string, found: string) => {
      expect((await model('import', source, target, ...OPTIONS)).stderr).toBe(
        `Expected a new or empty folder ${target}, found ${found}; name another.${EXPLAINED}`,
      );
    };
    mkdirSync(join(folder, 'full'));
    writeFileSync(join(folder, 'full', 'notes.txt'), 'x');
    await expected(join(folder, 'full'), 'one with notes.txt in it');
    await expected(source, 'a file');
    await expected(join(folder, 'x'.repeat(300)), 'that it cannot be read (ENAMETOOLONG)');
    await model('import', source, join(folder, 'made'), ...OPTIONS);
    expect((await model('export', join(folder, 'made'), source)).stderr).toBe(
      `Expected to write a new file ${source}, found one there already; name another.${EXPLAINED}`,
    );
  });

  it.skipIf(!MAY_MOUNT)(`a full disk leaves nothing behind${NEEDS_MOUNT}`, async () => {
    const folder = await temporaryFolder();
    const source = await save(folder, stateDict());
    const disk = smallDisk(8);
    const { code, stderr } = await model('import', source, join(disk, 'made'), ...OPTIONS);
    expect(code).toBe(1);
    expect(stderr).toContain('found that the disk is full (ENOSPC).');
    expect(readdirSync(disk)).toEqual([]);
  });
});
