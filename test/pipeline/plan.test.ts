import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../pipeline/config/load.ts';
import { buildGraph, type Graph, nodeName } from '../../pipeline/dag.ts';
import { type FoundState, makePlan, type RememberedNode } from '../../pipeline/plan.ts';
import { keyOf } from '../../store/content-hash.ts';
import { stages } from './fixtures/stages.ts';

function graph(settings: string[] = [], definitions = stages): Graph {
  const text =
    'name: x\ndataset: { name: usps }\nvariants: [{ label: a }, { label: b, train: { lambda: 2 } }]';
  return buildGraph(definitions, loadExperiment({ name: 'x', text }, settings), keyOf);
}

/** Every node finished, but for those named. */
function found({ nodes }: Graph, exceptions: Record<string, FoundState> = {}): Map<string, FoundState> {
  const finished: FoundState = { state: 'finished', damaged: [] };
  return new Map(nodes.map((node) => [node.id, exceptions[nodeName(node)] ?? finished]));
}

function planned(whole: Graph, states: Map<string, FoundState>, last: readonly RememberedNode[] = []) {
  const plan = makePlan(whole, states, last);
  return Object.fromEntries(plan.map(({ node, action, reason }) => [nodeName(node), `${action}: ${reason}`]));
}

const ABSENT: FoundState = { state: 'absent', damaged: [] };
const UNFINISHED: FoundState = { state: 'unfinished', damaged: [] };

describe('the plan', () => {
  it('runs everything where nothing is there', () => {
    expect(planned(graph(), new Map())).toEqual({
      dataset: 'run: not there yet',
      precompute: 'run: not there yet',
      'train a': 'run: not there yet',
      'train b': 'run: not there yet',
      report: 'run: not there yet',
    });
  });

  it('runs nothing where all is there', () => {
    const actions = makePlan(graph(), found(graph()), []).map(({ action }) => action);
    expect(actions).toEqual(['cached', 'cached', 'cached', 'cached', 'cached']);
  });

  it('takes up what was stopped', () => {
    const states = found(graph(), { 'train b': UNFINISHED, report: ABSENT });
    expect(planned(graph(), states)).toMatchObject({
      'train a': 'cached: ',
      'train b': 'resume: an earlier run was stopped',
      report: 'run: not there yet',
    });
  });

  it('leaves alone what is missing but nobody needs', () => {
    const states = found(graph(), { dataset: ABSENT, precompute: UNFINISHED });
    expect(planned(graph(), states)).toMatchObject({
      dataset: 'skip: nothing that runs needs it',
      precompute: 'skip: nothing that runs needs it',
      report: 'cached: ',
    });
  });

  it('mends what is damaged, with what that needs, and says which files', () => {
    const shards = ['shard-00003.arrow', 'shard-00005.arrow'];
    const one = found(graph(), {
      precompute: { state: 'damaged', damaged: shards.slice(0, 1) },
      dataset: ABSENT,
    });
    expect(planned(graph(), one)).toMatchObject({
      dataset: 'run: not there yet',
      precompute: 'resume: shard-00003.arrow is damaged',
      'train a': 'cached: ',
    });
    const two = found(graph(), { precompute: { state: 'damaged', damaged: shards } });
    expect(planned(graph(), two).precompute).toBe('resume: shard-00003.arrow, shard-00005.arrow are damaged');
    const many = found(graph(), { precompute: { state: 'damaged', damaged: ['a', 'b', 'c', 'd', 'e'] } });
    expect(planned(graph(), many).precompute).toBe('resume: a, b, c and 2 more are damaged');
  });
});

describe('the reason for new work', () => {
  const last: RememberedNode[] = graph().nodes;

  it('is the setting that changed, and the inputs that are new', () => {
    const changed = graph(['train.lambda=5', 'train.seed=3']);
    const [train] = changed.nodes.filter(({ stage }) => stage === 'train');
    expect(
      planned(changed, new Map([[changed.nodes[0]!.id, found(graph()).get(graph().nodes[0]!.id)!]]), last),
    ).toEqual({
      dataset: 'cached: ',
      precompute: 'run: not there yet',
      train: 'run: configuration changed: train.lambda 1 -> 5, train.seed 0 -> 3',
      report: `run: input ${train!.id} is new`,
    });
  });

  it('is an input alone where no own setting changed', () => {
    const changed = graph(['dataset.name=mnist']);
    const [dataset, precompute] = changed.nodes;
    expect(planned(changed, new Map(), last)).toMatchObject({
      dataset: 'run: configuration changed: dataset usps -> mnist',
      precompute: `run: input ${dataset!.id} is new`,
      'train a': `run: input ${dataset!.id}, ${precompute!.id} are new`,
    });
  });

  it('is the code where that is newer', () => {
    const newer = stages.map((stage) => (stage.name === 'precompute' ? { ...stage, codeVersion: 2 } : stage));
    expect(planned(graph([], newer), new Map(), last).precompute).toBe('run: code version 1 -> 2');
  });

  it('names settings of single variants in the report, also those that appear', () => {
    const gathered = stages.map((stage) =>
      stage.name === 'report'
        ? { ...stage, configPart: () => ({ title: 'new', note: 'x'.repeat(60) }) }
        : stage,
    );
    expect(planned(graph([], gathered), new Map(), last).report).toBe(
      `run: configuration changed: report.a.note unset -> ${'x'.repeat(39)}…, report.a.title "" -> new, report.b.note unset -> ${'x'.repeat(39)}… and 1 more`,
    );
  });
});
