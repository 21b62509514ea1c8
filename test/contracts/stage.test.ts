/** What every stage promises by its declaration, so that graph, plan and keys may rely on it. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../pipeline/config/load.ts';
import { presetNames, readPreset } from '../../pipeline/config/source.ts';
import { stages } from '../../pipeline/graph.ts';
import type { ExperimentConfig } from '../../schemas/config.ts';
import { STAGE_NAMES } from '../../schemas/stage.ts';
import { canonicalJson } from '../../store/content-hash.ts';
import { importsOf, ROOT, readSources } from '../support/imports.ts';

const configs = presetNames().flatMap((name) =>
  loadExperiment(readPreset(name)).variants.map(({ label, config }): [string, ExperimentConfig] => [
    `${name} ${label}`,
    config,
  ]),
);
const sources = new Map(readSources().map((source) => [source.path, source]));

/** All files that a file loads at once, dynamic imports left out. */
function loadedBy(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  const text = sources.get(path)?.text.replace(/\bimport\([^)]*\)/g, '') ?? '';
  for (const name of importsOf(path, text)) loadedBy(name, seen);
  return seen;
}

it('every stage of the schema is listed once, in the order of the data, and has a folder of its name', () => {
  expect(stages.map(({ name }) => name)).toEqual([...STAGE_NAMES]);
  for (const name of STAGE_NAMES) expect(existsSync(join(ROOT, 'stages', name, 'stage.ts'))).toBe(true);
  const folders = readdirSync(join(ROOT, 'stages')).filter((name) => name !== 'numerics');
  expect(folders.sort()).toEqual([...STAGE_NAMES].sort());
});

describe.each(stages.map((stage) => [stage.name, stage] as const))('stage %s', (name, stage) => {
  it('has a version of its code', () => {
    expect(Number.isInteger(stage.codeVersion) && stage.codeVersion >= 1).toBe(true);
  });

  it('reads only stages that come before it', () => {
    for (const [, config] of configs) {
      const inputs = stage.inputs(config);
      expect(new Set(inputs).size).toBe(inputs.length);
      for (const input of inputs) {
        expect(STAGE_NAMES.indexOf(input)).toBeLessThan(STAGE_NAMES.indexOf(name));
      }
    }
  });

  it('answers the same whenever it is asked, with values that JSON can hold', () => {
    for (const [, config] of configs) {
      const part = stage.configPart(config);
      expect(canonicalJson(stage.configPart(structuredClone(config)))).toBe(canonicalJson(part));
      expect(canonicalJson(JSON.parse(JSON.stringify(part)))).toBe(canonicalJson(part));
      expect(stage.needsEngine(config)).toBe(stage.needsEngine(config));
    }
  });

  it('loads neither its work nor the engine before it is run', () => {
    const loaded = [...loadedBy(`stages/${name}/stage.ts`)];
    expect(loaded.filter((path) => /tfjs|sharp|arrow|numerics\/(networks|gradients)/.test(path))).toEqual([]);
    expect(loaded).not.toContain(`stages/${name}/run.ts`);
  });

  it('hands over a function when it is run', async () => {
    const run = await stage.load();
    expect(typeof run).toBe('function');
    expect(run).toHaveLength(1);
  });
});

it('only the last stage gathers all variants', () => {
  const gathering = stages.filter(({ scope }) => scope === 'experiment').map(({ name }) => name);
  expect(gathering).toEqual([STAGE_NAMES.at(-1)]);
});
