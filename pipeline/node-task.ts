/** Where the artifact of a node is, with its lock and its log, and what a worker is told of it. */
import { join, resolve } from 'node:path';
import type { Experiment } from '../schemas/config.ts';
import { artifactDirectory } from '../store/artifacts.ts';
import { type Node, nodeName } from './dag.ts';
import type { Task } from './worker-protocol.ts';

/** What all tasks of a run have in common. */
export interface TaskSetting {
  experiment: Experiment;
  /** The runs directory. */
  runs: string;
  dataDirectory: string | null;
  /** URL of a module that exports `stages`; loaded by the workers. */
  stagesModule: string;
}

export function taskOf(node: Node, setting: TaskSetting, part: Pick<Task, 'afresh' | 'helps'>): Task {
  const { stage, key, codeVersion, configPart, inputs } = node;
  const { experiment, runs, dataDirectory, stagesModule } = setting;
  return {
    name: nodeName(node),
    identity: { stage, key, codeVersion, config: configPart, inputs },
    config: node.config,
    variants: experiment.variants,
    inputs: inputs.map((input) => ({
      ...input,
      variant: input.variant || node.labels[0]!,
      directory: directoryOf(input, runs),
    })),
    directory: directoryOf(node, runs),
    lock: lockOf(node, runs),
    dataDirectory: dataDirectory === null ? null : resolve(dataDirectory),
    needsEngine: node.needsEngine,
    precision: node.precision,
    ...part,
    stagesModule,
  };
}

export function directoryOf({ stage, key }: Pick<Node, 'stage' | 'key'>, runs: string): string {
  return resolve(artifactDirectory(runs, stage, key));
}

export function lockOf({ id }: Pick<Node, 'id'>, runs: string): string {
  return resolve(runs, 'locks', `${id}.lock`);
}

export function logOf({ id }: Pick<Node, 'id'>, runs: string): string {
  return join(runs, 'logs', `${id}.log`);
}
