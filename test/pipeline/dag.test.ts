import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../pipeline/config/load.ts';
import { readPreset } from '../../pipeline/config/source.ts';
import { buildGraph, type Graph, nodeId, nodeName, partialGraph, priorities } from '../../pipeline/dag.ts';
import { stages } from '../../pipeline/graph.ts';
import type { StageDefinition, StageName } from '../../schemas/stage.ts';
import { keyOf } from '../../store/content-hash.ts';

const BASE = 'name: x\ndataset: { name: usps }\n';
const experiment = (text: string, settings: string[] = []) =>
  loadExperiment({ name: 'x.yaml', text: BASE + text }, settings);
const graph = (text: string, settings: string[] = []) =>
  buildGraph(stages, experiment(text, settings), keyOf);

function counts({ nodes }: Graph): Partial<Record<StageName, number>> {
  const result: Partial<Record<StageName, number>> = {};
  for (const { stage } of nodes) result[stage] = (result[stage] ?? 0) + 1;
  return result;
}

function define(
  name: StageName,
  inputs: StageName[],
  change: Partial<StageDefinition> = {},
): StageDefinition {
  return {
    name,
    codeVersion: 1,
    scope: 'variant',
    inputs: () => inputs,
    configPart: () => null,
    needsEngine: () => false,
    load: async () => async () => undefined,
    ...change,
  };
}

describe('the graph of an experiment', () => {
  it('shares what variants have in common', () => {
    const text = `variants:
  - { label: vanilla, train: { method: vanilla } }
  - { label: sbg }
  - { label: nn, precompute: { method: nearest-neighbor } }`;
    expect(counts(graph(text))).toEqual({
      dataset: 1,
      score: 1,
      precompute: 2,
      train: 3,
      attack: 3,
      analyze: 3,
      report: 1,
    });
  });

  it('computes targets once for all values of λ, and training once for all attacks', () => {
    const text = 'matrix: { train.lambda: [0, 1, 5], attack.images: [10, 20] }';
    expect(counts(graph(text))).toMatchObject({ dataset: 1, score: 1, precompute: 1, train: 3, attack: 6 });
  });

  it('computes all but the data once for each seed', () => {
    const text = 'matrix: { seed: [1, 2] }';
    expect(counts(graph(text))).toMatchObject({ dataset: 1, score: 2, precompute: 2, train: 2, report: 1 });
  });

  it('names a shared node after its variants, unless all share it', () => {
    const { nodes } = graph('matrix: { train.lambda: [0, 1], attack.images: [10, 20] }');
    const names = nodes.filter(({ stage }) => stage === 'dataset' || stage === 'train').map(nodeName);
    expect(names).toEqual([
      'dataset',
      'train lambda=0 images=10, lambda=0 images=20',
      'train lambda=1 images=10, lambda=1 images=20',
    ]);
  });

  it('puts inputs first', () => {
    const { nodes } = buildGraph(stages, loadExperiment(readPreset('toy')), keyOf);
    const seen = new Set<string>();
    for (const node of nodes) {
      for (const input of node.inputs) expect(seen).toContain(nodeId(input));
      seen.add(node.id);
    }
  });

  it('gives every node a key that follows from its stage, code, configuration and inputs', () => {
    const [before, after] = [graph(''), graph('', ['precompute.sigma=2'])].map(({ nodes }) => nodes);
    const changed = before!.filter((node, i) => node.id !== after![i]!.id).map(({ stage }) => stage);
    expect(changed).toEqual(['precompute', 'train', 'attack', 'analyze', 'report']);
    const newer = stages.map((stage) => (stage.name === 'attack' ? { ...stage, codeVersion: 99 } : stage));
    const rebuilt = buildGraph(newer, experiment(''), keyOf).nodes;
    expect(before!.filter((node, i) => node.id !== rebuilt[i]!.id).map(({ stage }) => stage)).toEqual([
      'attack',
      'report',
    ]);
  });

  it('gives equal work in other experiments and under other labels the same key', () => {
    const one = graph('variants: [{ label: a }]').nodes.find(({ stage }) => stage === 'train');
    const other = graph('variants: [{ label: b }, { label: c, seed: 3 }]').nodes.find(
      ({ stage }) => stage === 'train',
    );
    expect(one!.key).toBe(other!.key);
    expect(one!.inputs).toEqual(other!.inputs);
  });
});

describe('a part of the graph', () => {
  const text = `variants:
  - { label: vanilla, train: { method: vanilla } }
  - { label: nn, precompute: { method: nearest-neighbor } }`;
  const part = (stage: StageName, more = text) => {
    const whole = experiment(more);
    return partialGraph(stages, whole, stage, keyOf, buildGraph(stages, whole, keyOf));
  };

  it('holds what the stage needs and no more', () => {
    expect(counts(part('train'))).toEqual({ dataset: 1, precompute: 1, train: 2 });
    expect(part('train').targets.map(nodeName)).toEqual(['train vanilla', 'train nn']);
  });

  it('leaves out variants whose results do not need the stage', () => {
    expect(part('precompute').targets.map(nodeName)).toEqual(['precompute nn']);
  });

  it('holds the stage for every variant where no result needs it', () => {
    expect(counts(part('score'))).toEqual({ dataset: 1, score: 1 });
  });
});

describe('priorities', () => {
  it('are higher for what more work waits for', () => {
    const { nodes } = graph('variants: [{ label: vanilla, train: { method: vanilla } }, { label: sbg }]');
    const weights = priorities(nodes);
    const of = (name: string) => weights.get(nodes.find((node) => nodeName(node) === name)!.id)!;
    expect(of('score sbg')).toBeGreaterThan(of('train vanilla'));
    expect(of('dataset')).toBeGreaterThan(of('score sbg'));
    expect(of('train vanilla')).toBeGreaterThan(of('attack sbg'));
    expect(of('report')).toBe(1);
  });
});

describe('wrong declarations are refused before work', () => {
  const build = (definitions: StageDefinition[]) => () => buildGraph(definitions, experiment(''), keyOf);

  it.each([
    ['two stages are named train', [define('train', []), define('train', [])]],
    ['train reads score, which is no stage', [define('train', ['score'])]],
    [
      'the stages form a circle: report needs train needs attack needs train',
      [define('train', ['attack']), define('attack', ['train']), define('report', ['train'])],
    ],
    [
      'train reads report, which gathers all variants',
      [define('report', [], { scope: 'experiment' }), define('train', ['report'])],
    ],
  ])('%s', (message, definitions) => {
    expect(build(definitions)).toThrow(new Error(message));
  });
});
