/** What the parent and a worker process say to each other. */
import type { ExperimentConfig } from '../schemas/config.ts';
import type { ErrorRecord } from '../schemas/errors.ts';
import type { Manifest } from '../schemas/manifest.ts';
import type { Precision } from '../schemas/setting-types.ts';
import type { InputArtifact, Progress } from '../schemas/stage.ts';

/** One artifact to make; every path is absolute. */
export interface Task {
  /** What users call it. */
  name: string;
  identity: Omit<Manifest, 'version' | 'files'>;
  config: ExperimentConfig;
  variants: { label: string; config: ExperimentConfig }[];
  inputs: InputArtifact[];
  directory: string;
  lock: string;
  dataDirectory: string | null;
  needsEngine: boolean;
  /** Of the engine, where it is needed. */
  precision: Precision;
  /** Whether what an earlier run left unfinished is discarded first. */
  afresh: boolean;
  /** Whether it is only to help the process that makes the artifact. */
  helps: boolean;
  /** URL of a module that exports `stages`. */
  stagesModule: string;
}

export type ToWorker = { say: 'start'; task: Task } | { say: 'stop' } | { say: 'end' };

export type FromWorker =
  | { say: 'waiting'; holder: string }
  | { say: 'progress'; line: Progress }
  | { say: 'note'; sentence: string }
  | { say: 'welcome' }
  | { say: 'done'; made: boolean; memoryBytes: number }
  | { say: 'failed'; error: ErrorRecord };
