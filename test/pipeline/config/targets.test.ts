/** Settings of target gradients: what is refused before anything runs, and the checksums of the models they name. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../../pipeline/config/load.ts';
import { prepare } from '../../../pipeline/prepare.ts';
import { thisWorld } from '../../../pipeline/world.ts';
import { modelFolder } from '../../support/model-folder.ts';
import { temporaryFolder } from '../../support/stage-context.ts';

function problemsOf(precompute: object): string[] {
  try {
    loadExperiment({
      name: 'x.yaml',
      text: JSON.stringify({ name: 'x', dataset: { name: 'usps' }, precompute }),
    });
    return [];
  } catch (error) {
    const lines = (error as Error).message.split('\n').slice(1, -1);
    return lines.map((line) => line.trim());
  }
}

describe('settings of target gradients', () => {
  it('may ask for no more classes than there are', () => {
    expect(problemsOf({ targets: { kind: 'random', count: 10 } })).toEqual([]);
    expect(problemsOf({ targets: { kind: 'random', count: 11 } })).toEqual([
      'precompute.targets.count: expected at most 10, as usps has 10 classes, found 11',
    ]);
    expect(problemsOf({ targets: { kind: 'top', count: 10 } })).toEqual([
      'precompute.targets.count: expected at most 9, as usps has 10 classes and the own one is left out, found 10',
    ]);
  });

  it('may give one noise level or several, all above 0', () => {
    expect(problemsOf({ sigma: [0.5, 1] })).toEqual([]);
    expect(problemsOf({ sigma: [] })).toHaveLength(1);
    expect(problemsOf({ sigma: [1, 0] })).toHaveLength(1);
    expect(problemsOf({ guidance: 0 })).toHaveLength(1);
    expect(problemsOf({ targets: 'some' })).toHaveLength(1);
  });

  it('have in their key what the models they name contain, wherever these lie', async () => {
    const parts = { network: { kind: 'mlp', hidden: [5] }, shape: [16, 16, 1], classes: 10 };
    const [model, copy] = [await modelFolder(parts), await modelFolder(parts)];
    const runs = temporaryFolder();
    const config = join(runs, 'x.yaml');
    writeFileSync(config, 'name: x\ndataset: { name: usps }\nprecompute: { method: class-mean }\n');
    const keyWith = async (set: string[]) => {
      const flags = { resume: true, json: false, quiet: true, verbose: false };
      const { plan } = await prepare({ ...flags, config, set, runs }, thisWorld());
      return plan.find(({ node }) => node.stage === 'precompute')!.node.key;
    };
    const by = (path: string) => [
      `precompute.targets={"kind":"top","count":2,"by":{"model":${JSON.stringify(path)}}}`,
    ];
    const before = await keyWith(by(model));
    expect(await keyWith(by(copy))).toBe(before);
    expect(await keyWith([])).not.toBe(before);
    appendFileSync(join(copy, 'model.safetensors'), ' ');
    expect(await keyWith(by(copy))).not.toBe(before);
    await expect(keyWith(by('/nowhere'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
