/** Reads the import lines: who may know whom. A wrong arrow fails here, before it becomes a habit. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALLOWED_HELPERS, ALLOWED_OPS, FORBIDDEN_OPS } from '../stages/numerics/gradients/allowed.ts';
import { findCycle, importsOf, LAYERS, ROOT, readSources, type Source } from './support/imports.ts';

const sources = readSources();
const MAX_LINES = 400;

/**
 * Folders of numerics by what they may know: each those of a lower number, and itself. Networks, diffusion and losses
 * are one group; inside it, a loss may know what a preconditioned network is, but no network knows its loss.
 */
const NUMERICS_RANK: Record<string, number> = {
  tensor: 0,
  gradients: 1,
  networks: 2,
  optimizers: 2,
  diffusion: 3,
  losses: 4,
  attacks: 5,
  analyses: 6,
};

const layerOf = (path: string) => LAYERS.findIndex((layer) => path.startsWith(`${layer}/`));
const numericsFolder = (path: string) => /^stages\/numerics\/(\w+)\//.exec(path)?.[1];
const stageFolder = (path: string) => {
  const folder = /^stages\/([\w-]+)\//.exec(path)?.[1];
  return folder === 'numerics' ? undefined : folder;
};

/** `file -> import` for every import that breaks a rule. */
function broken(
  isBroken: (path: string, name: string) => boolean,
  among: readonly Source[] = sources,
): string[] {
  return among.flatMap(({ path, imports }) =>
    imports.filter((name) => isBroken(path, name)).map((name) => `${path} -> ${name}`),
  );
}

describe('imports', () => {
  it('are found in every form', () => {
    const text = `import a from './a.ts';
import { b,
  type C } from "../b.ts";
import type { D } from './d.ts';
export { e } from './e.ts';
export * as f from 'f';
import './g.ts';
// import no from './no.ts';
/* import no from './no.ts'; */
const h = await import('./h.ts');
const i = require('i');`;
    expect(importsOf('x/y/z.ts', text)).toEqual([
      'x/y/a.ts',
      'x/b.ts',
      'x/y/d.ts',
      'x/y/e.ts',
      'f',
      'x/y/g.ts',
      'x/y/h.ts',
      'i',
    ]);
    expect(sources.length).toBeGreaterThan(50);
  });

  it('of our own files lead to files', () => {
    const isMissing = (_: string, name: string) => layerOf(name) >= 0 && !existsSync(join(ROOT, name));
    expect(broken(isMissing)).toEqual([]);
  });

  it('go from pipeline to stages to store to schemas, never back', () => {
    expect(broken((path, name) => layerOf(name) > layerOf(path))).toEqual([]);
    expect(broken((path, name) => path.startsWith('schemas/') && !/^(zod$|schemas\/)/.test(name))).toEqual(
      [],
    );
  });

  it('leave the layers only for packages and package.json', () => {
    expect(broken((_, name) => name.startsWith('.') || /^(test|bench|docs)\//.test(name))).toEqual([]);
  });

  it('do not lead from one stage to another, nor from numerics to a stage', () => {
    const isForeign = (path: string, name: string) =>
      path.startsWith('stages/') &&
      stageFolder(name) !== undefined &&
      stageFolder(name) !== stageFolder(path);
    expect(broken(isForeign)).toEqual([]);
  });

  it('climb inside numerics: tensor, gradients, then networks, losses and diffusion, then attacks and analyses', () => {
    const unknown = sources
      .map(({ path }) => numericsFolder(path))
      .filter((name) => name && !(name in NUMERICS_RANK));
    expect(unknown).toEqual([]);
    const isWrong = (path: string, name: string) => {
      const [from, to] = [numericsFolder(path), numericsFolder(name)];
      if (from === undefined || to === undefined || from === to) return false;
      return NUMERICS_RANK[to]! >= NUMERICS_RANK[from]!;
    };
    expect(broken(isWrong)).toEqual([]);
  });

  it('form no circle', () => {
    expect(findCycle(sources)).toBeNull();
    const circle = [
      { path: 'a', text: '', imports: ['b'] },
      { path: 'b', text: '', imports: ['c', 'd'] },
      { path: 'c', text: '', imports: [] },
      { path: 'd', text: '', imports: ['a'] },
    ];
    expect(findCycle(circle)).toEqual(['a', 'b', 'd', 'a']);
  });

  it('of TensorFlow.js stand in one file, and in the engine that registers it', () => {
    const isCore = (_: string, name: string) => name === '@tensorflow/tfjs-core';
    expect(broken(isCore).sort()).toEqual([
      'pipeline/engine/register.ts -> @tensorflow/tfjs-core',
      'stages/numerics/tensor/tf.ts -> @tensorflow/tfjs-core',
    ]);
    const isBinding = (path: string, name: string) =>
      name.includes('tfjs') && name !== '@tensorflow/tfjs-core' && !/^pipeline\/(engine|setup)\//.test(path);
    expect(broken(isBinding)).toEqual([]);
  });

  it('keep the plan pure: graph and plan know schemas and each other alone', () => {
    const pure = ['pipeline/dag.ts', 'pipeline/plan.ts'];
    const among = sources.filter(({ path }) => pure.includes(path));
    expect(among).toHaveLength(2);
    expect(broken((_, name) => layerOf(name) !== 0 && !pure.includes(name), among)).toEqual([]);
  });

  it('keep the engine out of the store', () => {
    expect(broken((path, name) => path.startsWith('store/') && name.includes('tfjs'))).toEqual([]);
  });
});

describe('ops', () => {
  const users = sources.filter(({ path }) =>
    ['networks', 'losses', 'diffusion', 'attacks', 'analyses'].includes(numericsFolder(path) ?? ''),
  );
  const known = new Set([...ALLOWED_OPS, ...ALLOWED_HELPERS]);
  /**
   * `tf.image.resizeBilinear(` -> `image.resizeBilinear`; types such as `tf.Tensor2D` begin with a capital, and
   * `concat2d` is `concat` with another type.
   */
  const opsIn = (text: string) =>
    [
      ...text
        .replace(/ from '[^']*'/g, '')
        .matchAll(/\btf\.((?:image\.|losses\.|linalg\.|signal\.)?[a-z]\w*)/g),
    ].map((match) => match[1]!);

  it('that networks, losses, diffusion, attacks and analyses use are tried ones', () => {
    expect(users.length).toBeGreaterThan(10);
    const untried = users.flatMap(({ path, text }) =>
      opsIn(text)
        .filter((op) => !known.has(op) && !known.has(op.replace(/[1-6]d$/, '')))
        .map((op) => `${path}: tf.${op}`),
    );
    expect(untried).toEqual([]);
  });

  it('are not called as methods of tensors, where they would escape this test', () => {
    const names = Object.keys(FORBIDDEN_OPS).filter((name) => /^\w+$/.test(name));
    const method = new RegExp(`(?<!\\btf)\\.(${names.join('|')})\\(`);
    expect(users.filter(({ text }) => method.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

describe('files', () => {
  it(`have ${MAX_LINES} lines at most`, () => {
    const long = sources
      .filter(({ text }) => text.split('\n').length - 1 > MAX_LINES)
      .map(({ path }) => path);
    expect(long).toEqual([]);
  });

  it('are named in kebab-case', () => {
    const odd = sources.filter(({ path }) => !/^[a-z0-9-]+(\.d)?\.(ts|mjs)$/.test(path.split('/').at(-1)!));
    expect(odd.map(({ path }) => path)).toEqual([]);
  });

  it('begin with a sentence on what they are', () => {
    const silent = sources
      .filter(({ path, text }) => !path.endsWith('.d.ts') && !/^(#!.*\n)?\/\*\*/.test(text))
      .map(({ path }) => path);
    expect(silent).toEqual([]);
  });
});
