/**
 * The graph of an experiment: which artifacts it needs, under which keys, and which of them variants share.
 * Pure: it follows from the stages' declarations and the configuration alone, without files or clock.
 */
import type { Experiment, ExperimentConfig } from '../schemas/config.ts';
import type { Manifest } from '../schemas/manifest.ts';
import type { Precision } from '../schemas/setting-types.ts';
import type { Json, StageDefinition, StageName } from '../schemas/stage.ts';

/** One artifact to make. Its identity is what the manifest will say. */
export interface Node {
  /** `<stage>-<key>` */
  id: string;
  stage: StageName;
  key: string;
  codeVersion: number;
  configPart: Json;
  /** `variant` is empty where the stage reads one variant only, so that equal work has equal manifests. */
  inputs: Manifest['inputs'];
  /** Labels of the variants that share it. */
  labels: string[];
  /** Whether every variant shares it; then it is named without them. */
  isCommon: boolean;
  /** Configuration of the first variant that needs it. */
  config: ExperimentConfig;
  needsEngine: boolean;
  /** Of the engine, where it is needed. */
  precision: Precision;
}

export interface Graph {
  /** Inputs first. */
  nodes: Node[];
  /** What was asked for. */
  targets: Node[];
}

type Variant = Experiment['variants'][number];
type Hash = (value: Json) => string;

/** How long a stage takes, roughly and relative to others; decides only which of two ready nodes starts first. */
const WEIGHTS: Record<StageName, number> = {
  dataset: 5,
  score: 100,
  precompute: 20,
  train: 60,
  attack: 15,
  analyze: 10,
  report: 1,
};

/** `stage`-key, also the name of the artifact's folder and log. */
export function nodeId(input: { stage: StageName; key: string }): string {
  return `${input.stage}-${input.key}`;
}

/** What users call a node: the stage, and the variants unless all share it. */
export function nodeName({ stage, labels, isCommon }: Pick<Node, 'stage' | 'labels' | 'isCommon'>): string {
  return isCommon ? stage : `${stage} ${labels.join(', ')}`;
}

/** The whole graph of an experiment: all that the last of the stages needs. */
export function buildGraph(
  definitions: readonly StageDefinition[],
  experiment: Experiment,
  hash: Hash,
): Graph {
  return graphOf(definitions, experiment, definitions.at(-1)!.name, hash);
}

/**
 * What one stage needs. Of the variants only those count whose results need that stage; where none does, all.
 * `whole` is the graph from {@link buildGraph}.
 */
export function partialGraph(
  definitions: readonly StageDefinition[],
  experiment: Experiment,
  stage: StageName,
  hash: Hash,
  whole: Graph,
): Graph {
  const targets = whole.nodes.filter((node) => node.stage === stage);
  if (targets.length === 0) return graphOf(definitions, experiment, stage, hash);
  const needed = new Set(targets.map((node) => node.id));
  for (const node of whole.nodes.toReversed()) {
    if (needed.has(node.id)) for (const input of node.inputs) needed.add(nodeId(input));
  }
  return { nodes: whole.nodes.filter((node) => needed.has(node.id)), targets };
}

/** For each node the weight of the longest way from it to a result, itself included. */
export function priorities(nodes: readonly Node[]): Map<string, number> {
  const result = new Map<string, number>();
  for (const node of nodes.toReversed()) {
    const beyond = result.get(node.id) ?? 0;
    const own = beyond + WEIGHTS[node.stage];
    result.set(node.id, own);
    for (const input of node.inputs) {
      result.set(nodeId(input), Math.max(result.get(nodeId(input)) ?? 0, own));
    }
  }
  return result;
}

function graphOf(
  definitions: readonly StageDefinition[],
  experiment: Experiment,
  root: StageName,
  hash: Hash,
): Graph {
  const byName = indexDefinitions(definitions);
  const nodes = new Map<string, Node>();
  const builder = { byName, experiment, hash, nodes };
  const targets = experiment.variants.map((variant) => nodeFor(builder, root, variant, []));
  for (const node of nodes.values()) node.isCommon = node.labels.length === experiment.variants.length;
  return { nodes: [...nodes.values()], targets: [...new Set(targets)] };
}

function indexDefinitions(definitions: readonly StageDefinition[]): Map<StageName, StageDefinition> {
  const byName = new Map<StageName, StageDefinition>();
  for (const definition of definitions) {
    if (byName.has(definition.name)) throw new Error(`two stages are named ${definition.name}`);
    byName.set(definition.name, definition);
  }
  return byName;
}

interface Builder {
  byName: Map<StageName, StageDefinition>;
  experiment: Experiment;
  hash: Hash;
  nodes: Map<string, Node>;
}

/** The node of a stage for a variant, added to the graph after its inputs unless an equal one is there. */
function nodeFor(builder: Builder, stage: StageName, variant: Variant, trail: StageName[]): Node {
  const { byName, experiment, hash, nodes } = builder;
  const way = [...trail, stage];
  if (trail.includes(stage)) throw new Error(`the stages form a circle: ${way.join(' needs ')}`);
  const definition = byName.get(stage);
  if (definition === undefined) throw new Error(`${trail.at(-1)} reads ${stage}, which is no stage`);

  const gathersAll = definition.scope === 'experiment';
  const members = gathersAll ? experiment.variants : [variant];
  const inputs = members.flatMap((member) =>
    definition.inputs(member.config).map((name) => {
      if (byName.get(name)?.scope === 'experiment') {
        throw new Error(`${stage} reads ${name}, which gathers all variants`);
      }
      const { key } = nodeFor(builder, name, member, way);
      return { stage: name, variant: gathersAll ? member.label : '', key };
    }),
  );
  const configPart = plain(
    gathersAll ? gathered(definition, members) : definition.configPart(variant.config),
  );
  const { codeVersion } = definition;
  const key = hash({ stage, codeVersion, config: configPart, inputs });

  const node = nodes.get(nodeId({ stage, key })) ?? {
    id: nodeId({ stage, key }),
    stage,
    key,
    codeVersion,
    configPart,
    inputs,
    labels: [],
    isCommon: false,
    config: variant.config,
    needsEngine: members.some(({ config }) => definition.needsEngine(config)),
    precision: definition.precision?.(variant.config) ?? 'float32',
  };
  nodes.set(node.id, node);
  const labels = members.map(({ label }) => label).filter((label) => !node.labels.includes(label));
  node.labels.push(...labels);
  return node;
}

function gathered(definition: StageDefinition, members: readonly Variant[]): Json {
  return Object.fromEntries(members.map(({ label, config }) => [label, definition.configPart(config)]));
}

/** Settings that are not given leave no trace in the key. */
function plain(value: Json): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
