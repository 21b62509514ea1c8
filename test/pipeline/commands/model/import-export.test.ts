import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readClassifier } from '../../../../stages/numerics/networks/trained-classifier.ts';
import { sha256 } from '../../../../store/content-hash.ts';
import { plainPython } from '../../../store/support/plain-python.ts';
import { temporaryFolder } from '../../../store/support/temporary-folder.ts';
import { readSources } from '../../../support/imports.ts';
import { python } from '../../../support/python.ts';
import { model, NETWORK, OPTIONS, rawTensors, rename, SHAPE, save, stateDict } from './fixture.ts';

describe('import, then export', () => {
  it('gives back every tensor byte for byte, whatever stood before the names', async () => {
    const folder = await temporaryFolder();
    const source = await save(
      folder,
      rename(stateDict(), (name) => `module.${name}`),
    );
    const made = join(folder, 'model');
    expect(await model('import', source, made, ...OPTIONS, '--mean', '0.5,0.4,0.3')).toEqual({
      code: 0,
      stderr: '',
      stdout: `Imported resnet18 (2,080 parameters) for inputs of 8x8x3 and 2 classes into ${made}.
The names in the file begin with module., which is left out.
Look at it with: pipeline model show ${made}
`,
    });
    const out = join(folder, 'new', 'out.safetensors');
    expect(await model('export', made, out)).toEqual({
      code: 0,
      stderr: '',
      stdout: `Wrote ${out}: 122 tensors with PyTorch's names and layouts.
In Python: model.load_state_dict(safetensors.torch.load_file("${out}"))
`,
    });
    const before = Object.entries(rawTensors(source).tensors);
    const exported = rawTensors(out);
    expect(exported.tensors).toEqual(Object.fromEntries(before.map(([name, raw]) => [name.slice(7), raw])));
    // The file alone says all that model.json says.
    const { stdout } = await model('import', out, join(folder, 'again'), '--json');
    expect(readFileSync(join(folder, 'again', 'model.safetensors'))).toEqual(
      readFileSync(join(made, 'model.safetensors')),
    );
    const { provenance, ...first } = (await readClassifier(made)).model;
    expect(provenance).toEqual({
      file: 'weights.safetensors',
      sha256: sha256(readFileSync(source)),
      prefix: 'module.',
    });
    expect(first).toEqual({
      version: 1,
      network: NETWORK,
      normalization: { mean: [0.5, 0.4, 0.3], std: 1 },
      shape: SHAPE,
      classNames: ['ant', 'bee'],
      parameters: 2080,
    });
    const file = { file: 'out.safetensors', sha256: sha256(readFileSync(out)) };
    expect(JSON.parse(stdout)).toEqual({
      folder: join(folder, 'again'),
      ...first,
      provenance: file,
      prefix: '',
    });
    expect(readdirSync(folder).sort()).toEqual(['again', 'model', 'new', 'weights.safetensors']);
  });

  it("makes a file that Python's safetensors opens, with its description", async () => {
    const folder = await temporaryFolder();
    await model('import', await save(folder, stateDict()), join(folder, 'model'), ...OPTIONS);
    const out = join(folder, 'out.safetensors');
    const { stdout } = await model('export', join(folder, 'model'), out, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ file: out, tensors: 122, network: NETWORK });
    const script = `
import json, sys
from safetensors import safe_open
with safe_open(sys.argv[1], framework="numpy") as file:
    metadata = file.metadata()
    kinds = {str(file.get_tensor(name).dtype) for name in file.keys()}
print(json.dumps([metadata["format"], json.loads(metadata["model"])["classNames"], sorted(kinds)]))`;
    expect(JSON.parse(python(script, [out]))).toEqual(['pt', ['ant', 'bee'], ['float32', 'int64']]);
  });
});

describe('import', () => {
  const valuesOf = async (path: string) => (await readClassifier(path)).weights.flat;

  it('takes files without counters, and exports zeros in their place', async () => {
    const folder = await temporaryFolder();
    const without = rename(stateDict(), (name) => (name.endsWith('num_batches_tracked') ? null : name));
    await model('import', await save(folder, without), join(folder, 'model'), ...OPTIONS);
    const { tensors } = rawTensors(join(folder, 'model', 'model.safetensors'));
    expect(tensors['bn1.num_batches_tracked']).toEqual(['I64', [], '0000000000000000']);
    expect(Object.keys(tensors).sort()).toEqual(Object.keys(stateDict()).sort());
  });

  it('takes every float type, as float32', async () => {
    const folder = await temporaryFolder();
    const network = ['--network', '{kind: mlp, hidden: []}', '--shape', '2', '--classes', '2'];
    const script = `
import json, struct, sys
values = [0.1, -2.5, 3.25, 1e-3]
wide = b''.join(struct.pack('<d', v) for v in values)
half = b''.join(struct.pack('<e', v) for v in values[:2])
header = {'fc1.weight': {'dtype': 'F64', 'shape': [2, 2], 'data_offsets': [0, 32]},
          'fc1.bias': {'dtype': 'F16', 'shape': [2], 'data_offsets': [32, 36]}}
text = json.dumps(header).encode()
sys.stdout.buffer.write(struct.pack('<Q', len(text)) + text + wide + half)`;
    writeFileSync(join(folder, 'w.safetensors'), plainPython(script));
    await model('import', join(folder, 'w.safetensors'), join(folder, 'model'), ...network);
    // [out, in] there, [in, out] here.
    expect(await valuesOf(join(folder, 'model'))).toEqual(
      Float32Array.of(0.1, 3.25, -2.5, 1e-3, 0.0999755859375, -2.5),
    );
  });

  it('finds other names by a map, leaves out what is ignored, and takes an empty folder', async () => {
    const folder = await temporaryFolder();
    const renamed = rename(stateDict(), (name) =>
      name.replace('linear', 'fc').replace('shortcut', 'downsample'),
    );
    const extra = { shape: [3], data: new Float32Array(3) };
    const source = await save(folder, { ...renamed, 'aux.mean': extra, 'aux.std': extra });
    writeFileSync(join(folder, 'map.yaml'), 'linear: fc\n"*.*.shortcut": "*.*.downsample"\n');
    mkdirSync(join(folder, 'model'));
    const { stderr } = await model(
      ...['import', source, join(folder, 'model'), ...OPTIONS],
      ...['--map', join(folder, 'map.yaml'), '--ignore', 'aux.mean', '--ignore', 'aux.std'],
    );
    expect(stderr).toBe('');
    await model('import', await save(folder, stateDict()), join(folder, 'plain'), ...OPTIONS);
    expect(await valuesOf(join(folder, 'model'))).toEqual(await valuesOf(join(folder, 'plain')));
  });

  it('takes network and class names from files', async () => {
    const folder = await temporaryFolder();
    writeFileSync(join(folder, 'network.yaml'), 'network:\n  kind: resnet18\n  widths: [2, 3, 4, 5]\n');
    writeFileSync(join(folder, 'names.txt'), 'ant\r\nhoney bee\r\n\r\n');
    const { stdout } = await model(
      ...['import', await save(folder, stateDict()), join(folder, 'model'), '--json', '--shape', '8x8x3'],
      ...['--network', join(folder, 'network.yaml'), '--classes', join(folder, 'names.txt')],
      ...['--std', '0.5', '--prefix', ''],
    );
    expect(JSON.parse(stdout)).toMatchObject({
      network: NETWORK,
      classNames: ['ant', 'honey bee'],
      normalization: { mean: 0, std: 0.5 },
    });
  });
});

describe('show', () => {
  it('tells network, normalisation, classes and tensors in 80 columns', async () => {
    const folder = await temporaryFolder();
    const [made, source] = [join(folder, 'model'), await save(folder, stateDict())];
    await model('import', source, made, ...OPTIONS, '--mean', '0.5', '--std', '0.25,0.5,1');
    const { stdout } = await model('show', made);
    const weights = readFileSync(join(made, 'model.safetensors'));
    const lines = stdout.split('\n');
    expect(stdout.replace(/\S*\/model\.safetensors/, 'PATH')).toContain(`Network        resnet18
Settings       widths:[2, 3, 4, 5]
Inputs         8x8x3
Normalization  (x - [0.5]) / [0.25, 0.5, 1]
Classes        2: ant, bee
Parameters     2,080
Running stats  140 values
Imported from  weights.safetensors sha256
               ${sha256(readFileSync(source))}
File           PATH (${Math.round(weights.length / 1000)} kB)
sha256         ${sha256(weights)}

Tensor, PyTorch's layout          Shape         Values
conv1.weight                      [2, 3, 3, 3]      54
bn1.weight                        [2]                2
`);
    expect(lines).toContain('layer4.0.shortcut.1.running_mean  [5] running        5');
    expect(Math.max(...lines.slice(12).map((line) => line.length))).toBeLessThanOrEqual(80);
    const shown = JSON.parse((await model('show', made, '--json')).stdout);
    expect(shown).toMatchObject({ network: NETWORK, sha256: sha256(weights), parameters: 2080 });
    expect(shown.tensors).toHaveLength(102);
  });

  it('lists the tensors of any safetensors file, so that a map can be written', async () => {
    const folder = await temporaryFolder();
    const one = { shape: [2], data: Float32Array.of(1, 2) };
    const long = `${'encoder.'.repeat(9)}weight`;
    const source = await save(folder, { 'h.10.w': one, 'h.9.w': one, [long]: one });
    const { stdout } = await model('show', source);
    expect(stdout.split('\n').slice(-6)).toEqual([
      "Tensor, PyTorch's layout                                           Shape  Values",
      long,
      '                                                                   [2]         2',
      'h.9.w                                                              [2]         2',
      'h.10.w                                                             [2]         2',
      '',
    ]);
    expect(JSON.parse((await model('show', source, '--json')).stdout).tensors).toHaveLength(3);
  });
});

it('needs no engine: nothing that it imports leads there', () => {
  const imports = new Map(readSources().map((source) => [source.path, source.imports]));
  const reached = new Set(['import', 'export', 'show'].map((name) => `pipeline/commands/model/${name}.ts`));
  for (const path of reached) for (const name of imports.get(path) ?? []) reached.add(name);
  expect(reached).toContain('stages/numerics/networks/resnet18.ts');
  expect(
    [...reached].filter((name) => name === 'pipeline/engine/register.ts' || name.includes('tfjs-node')),
  ).toEqual([]);
});
