/** What a run will do with each artifact, and why. Pure: what lies on the disk is passed in. */
import type { Json, StageName } from '../schemas/stage.ts';
import { STAGE_NAMES } from '../schemas/stage.ts';
import { type Graph, type Node, nodeId } from './dag.ts';

/** `skip`: it is not there, but nothing that will run reads it. */
export type Action = 'run' | 'resume' | 'cached' | 'skip';

export interface PlannedNode {
  node: Node;
  action: Action;
  /** Empty for `cached`. */
  reason: string;
  /** Whether what an earlier run left unfinished is discarded. */
  afresh: boolean;
}

/** How an artifact was found on the disk. */
export interface FoundState {
  state: 'absent' | 'unfinished' | 'finished' | 'damaged';
  damaged: string[];
}

/** What is remembered of a node from the experiment's last run. */
export interface RememberedNode {
  stage: StageName;
  key: string;
  codeVersion: number;
  labels: string[];
  configPart: Json;
  inputs: { stage: StageName; variant: string; key: string }[];
}

const SHOWN_REASONS = 3;
const SHOWN_CHARACTERS = 40;

/**
 * One entry per node, inputs first. Damaged artifacts are mended in any case; what is missing is made only if it
 * was asked for or is read by something that will run.
 *
 * @param resume whether unfinished work is taken up again instead of discarded
 */
export function makePlan(
  graph: Graph,
  found: ReadonlyMap<string, FoundState>,
  last: readonly RememberedNode[],
  resume = true,
): PlannedNode[] {
  const wanted = new Set(graph.targets.map((node) => node.id));
  const planned = graph.nodes.toReversed().map((node) => {
    const state = found.get(node.id) ?? { state: 'absent', damaged: [] };
    const action = actionFor(state, wanted.has(node.id), resume);
    if (action === 'run' || action === 'resume') {
      for (const input of node.inputs) wanted.add(nodeId(input));
    }
    return {
      node,
      action,
      reason: reasonFor(node, action, state, last),
      afresh: !resume && action === 'run',
    };
  });
  return planned.reverse();
}

function actionFor({ state }: FoundState, isWanted: boolean, resume: boolean): Action {
  if (state === 'finished') return 'cached';
  if (state === 'damaged') return 'resume';
  if (!isWanted) return 'skip';
  return state === 'unfinished' && resume ? 'resume' : 'run';
}

function reasonFor(
  node: Node,
  action: Action,
  { state, damaged }: FoundState,
  last: readonly RememberedNode[],
): string {
  if (action === 'cached') return '';
  if (action === 'skip') return 'nothing that runs needs it';
  if (state === 'damaged') return `${enumerate(damaged)} ${damaged.length === 1 ? 'is' : 'are'} damaged`;
  if (state === 'unfinished') {
    const discarded = action === 'run' ? '; its work is discarded, as --no-resume asks' : '';
    return `an earlier run was stopped${discarded}`;
  }
  const before = last.find(({ stage, labels }) => stage === node.stage && shares(labels, node.labels));
  return before === undefined || before.key === node.key ? 'not there yet' : whatChanged(before, node);
}

function shares(some: readonly string[], others: readonly string[]): boolean {
  return some.some((label) => others.includes(label));
}

function whatChanged(before: RememberedNode, node: Node): string {
  const reasons: string[] = [];
  if (before.codeVersion !== node.codeVersion) {
    reasons.push(`code version ${before.codeVersion} -> ${node.codeVersion}`);
  }
  const changes = differences(before.configPart, node.configPart, []).map(({ path, from, to }) => {
    const isSection = STAGE_NAMES.some((name) => name === path[0]);
    return `${[...(isSection ? [] : [node.stage]), ...path].join('.')} ${from} -> ${to}`;
  });
  if (changes.length > 0) reasons.push(`configuration changed: ${enumerate(changes)}`);
  const known = new Set(before.inputs.map(nodeId));
  const fresh = [...new Set(node.inputs.map(nodeId))].filter((id) => !known.has(id));
  if (fresh.length > 0) reasons.push(`input ${enumerate(fresh)} ${fresh.length === 1 ? 'is' : 'are'} new`);
  return reasons.length > 0 ? reasons.join('; ') : 'the variants changed';
}

function enumerate(items: readonly string[]): string {
  const shown = items.slice(0, SHOWN_REASONS).join(', ');
  const rest = items.length - SHOWN_REASONS;
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}

interface Difference {
  path: string[];
  from: string;
  to: string;
}

/** Settings that differ, mapping by mapping; lists are compared whole. */
function differences(from: Json | undefined, to: Json | undefined, path: string[]): Difference[] {
  if (isMapping(from) && isMapping(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
    return keys.flatMap((key) => differences(from[key], to[key], [...path, key]));
  }
  const [before, after] = [show(from), show(to)];
  return JSON.stringify(from) === JSON.stringify(to) ? [] : [{ path, from: before, to: after }];
}

function isMapping(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: Json | undefined): string {
  if (value === undefined) return 'unset';
  const text = typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS - 1)}…` : text;
}
