/** What the attack stage leaves behind beside its Parquet files: the schema of `attack.json`, the curve, the table rows. */
import '../../support/engine.ts';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { attackSummarySchema } from '../../../schemas/attack-results.ts';
import { runAttack } from '../../../stages/attack/run.ts';
import { makeClassifier } from '../../../stages/numerics/networks/registry.ts';
import { writeModel } from '../../../store/model-files.ts';
import { configOf, contextOf, datasetArtifact, temporaryFolder } from '../../support/stage-context.ts';

/** Another program that knows JSON Schema, where Python has it. */
const hasValidator = spawnSync('python3', ['-c', 'import jsonschema']).status === 0;
if (!hasValidator)
  process.stderr.write('skipped: attack.json by another validator (no jsonschema in python3)\n');

const VALIDATE = `import json, sys, jsonschema
schema, value = json.load(sys.stdin)
jsonschema.Draft202012Validator.check_schema(schema)
errors = jsonschema.Draft202012Validator(schema).iter_errors(value)
print(json.dumps([error.message for error in errors]))`;

describe('attack.json', () => {
  let text: string;
  let directory: string;

  /** Points x on a line; class 1 where x > 0, so that |x| is the distance to the border. */
  beforeAll(async () => {
    const xs = [-3, -2, -1, -0.5, 0.5, 1, 2, 3];
    const images = Float32Array.from(xs.flatMap((x) => [x, 5]));
    const dataset = await datasetArtifact([2], 2, {
      images,
      labels: Uint16Array.from(xs, (x) => (x > 0 ? 1 : 0)),
    });
    const train = temporaryFolder();
    const network = { kind: 'mlp' as const, hidden: [2] };
    const layout = makeClassifier(network, [2], 2).parameters;
    const flat = Float32Array.of(1, -1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0);
    const facts = { version: 1 as const, network, normalization: { mean: 0, std: 1 }, shape: [2] };
    const model = { ...facts, classNames: ['left', 'right'], parameters: flat.length, provenance: {} };
    await writeModel(train, layout, { flat }, model);
    const attacks = [
      { method: 'fab', norm: 'L2', eps: [1.5], minimal: true, steps: 20 },
      { method: 'pgd', norm: 'Linf', eps: [0.75] },
      { method: 'gaussian-noise', norm: 'L2', eps: [0.5] },
      {
        method: 'auto-attack',
        norm: 'L2',
        eps: [1.5],
        version: 'custom',
        attacks: ['apgd-ce', 'fab'],
        steps: 10,
      },
    ];
    const certify = { sigma: 0.5, n: 100, n0: 10, images: 2 };
    const context = contextOf(configOf({ attack: { attacks, certify } }), { dataset, train });
    await runAttack(context);
    directory = context.directory;
    text = readFileSync(join(directory, 'attack.json'), 'utf8');
  });

  it('is what its schema says, to the last entry', () => {
    expect(attackSummarySchema.parse(JSON.parse(text))).toEqual(JSON.parse(text));
  });

  it.skipIf(!hasValidator)('is what another validator makes of the schema that is printed', () => {
    const schema = z.toJSONSchema(attackSummarySchema);
    const errors = (value: unknown) => {
      const { stdout, stderr } = spawnSync('python3', ['-c', VALIDATE], {
        input: JSON.stringify([schema, value]),
        encoding: 'utf8',
      });
      return stderr === '' ? (JSON.parse(stdout) as string[]) : [stderr];
    };
    expect(errors(JSON.parse(text))).toEqual([]);
    expect(errors({ ...JSON.parse(text), n: -1 }).length).toBeGreaterThan(0);
    const { seed: _, ...unseeded } = JSON.parse(text);
    expect(errors(unseeded).join()).toContain('seed');
  });

  it('has the curve of the nearest points, which are as far away as the border', () => {
    const { attacks } = attackSummarySchema.parse(JSON.parse(text));
    expect(attacks.map(({ curve }) => curve === null)).toEqual([false, true, true, true]);
    const [first] = attacks;
    const at = (eps: number) => first!.curve!.filter((point) => point.eps <= eps).at(-1)!.robust;
    expect([at(0), at(0.45), at(0.6), at(1.1), at(1.5), at(2.1), at(3.2)]).toEqual([8, 8, 6, 4, 4, 2, 0]);
    expect(first!.robust).toBe(4);
  });

  it('comes with the same figures as rows of tables', () => {
    expect(readFileSync(join(directory, 'row.md'), 'utf8')).toContain('| model | data |');
    expect(readFileSync(join(directory, 'row.tex'), 'utf8')).toContain('\\begin{tabular}');
    const half = '50.0 ± 28.5';
    expect(readFileSync(join(directory, 'row.md'), 'utf8')).toContain(half);
  });
});
