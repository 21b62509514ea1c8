/** What a rule for rewriting graphs is. */
import type { GraphNode } from '../graph-node.ts';

/** What a rule sees besides the node it is asked about. */
export interface Surroundings {
  /** The node whose first output feeds an input; undefined for further outputs. */
  source(input: string): GraphNode | undefined;
  /** Nodes that take the first output of a node. */
  users(node: GraphNode): readonly GraphNode[];
}

/**
 * The nodes that take a node's place, the last of them under its name; null where the rule does not apply. Helpers get
 * the name with something behind a slash.
 */
export type Rule = (node: GraphNode, graph: Surroundings) => GraphNode[] | null;
