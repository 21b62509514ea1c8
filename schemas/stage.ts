/**
 * What a stage is: a name, the stages it reads, the part of the configuration that decides its result, and a
 * function that writes one artifact. The graph, the plan and the keys follow from these declarations alone.
 */
import type { ExperimentConfig } from './config.ts';
import type { Precision } from './setting-types.ts';

/** The stages in the order in which data flows through them. */
export const STAGE_NAMES = [
  'dataset',
  'score',
  'precompute',
  'train',
  'attack',
  'analyze',
  'report',
] as const;
export type StageName = (typeof STAGE_NAMES)[number];

/** A value that JSON can hold; keys are hashed over such values. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A plain value as JSON, without the fields that are undefined. */
export function toJson(value: object): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

/** A finished artifact that a stage reads. */
export interface InputArtifact {
  stage: StageName;
  /** Label of the variant it belongs to (for a stage of the whole experiment, one input per variant). */
  variant: string;
  key: string;
  directory: string;
}

/** One line of progress; the parent process draws it. */
export interface Progress {
  /** Units finished so far, counted from the very beginning also after a resume. */
  done: number;
  total: number;
  /** What is counted, in the plural: `images`, `steps`, `shards`. */
  unit: string;
  /** Those of `done` that belong to a shard which only counts once it is whole; others may be at other shards. */
  underway?: number;
  /** Figures worth a glance, e.g. `{ loss: 0.31 }`. */
  figures?: Record<string, number>;
}

/** How several processes make one artifact side by side, shard by shard. */
export interface Sharing {
  /** Folder for the locks by which each claims a shard; it is there for as long as help is welcome. */
  claims: string;
  /** Whether another process owns the artifact: a helper takes what nobody has claimed, and waits for nobody. */
  isHelper: boolean;
}

/** All that a running stage may use besides the store. */
export interface StageContext {
  /** Configuration of this variant, resolved. A stage of the whole experiment finds all of them in `variants`. */
  config: ExperimentConfig;
  variants: { label: string; config: ExperimentConfig }[];
  inputs: InputArtifact[];
  /** Artifact directory to write into. What an interrupted run finished is still there. */
  directory: string;
  /** Folder with the users' data sets, or null where none was found. */
  dataDirectory: string | null;
  /** For a stage that is `shared`; left out where no other process can be at work. */
  sharing?: Sharing;
  /**
   * What the `answer` of a module gives, run in another process whose engine is in float32. Left out where this one is,
   * too.
   */
  askInFloat32?<Answer>(module: URL, question: object): Promise<Answer>;
  progress(line: Progress): void;
  /** A sentence for the user, e.g. `resuming at shard 3 of 8`. */
  note(sentence: string): void;
  /** Aborts when the user asks to stop; a stage saves what it has and throws `INTERRUPTED`. */
  signal: AbortSignal;
}

/** The declaration of a stage. It loads no engine; `load` brings in the code that does the work. */
export interface StageDefinition {
  name: StageName;
  /** Raised whenever the same configuration would give other bytes than before. */
  codeVersion: number;
  /** `variant`: one artifact per variant (equal ones are shared); `experiment`: one that gathers all variants. */
  scope: 'variant' | 'experiment';
  /** Stages whose artifacts it reads under this configuration. */
  inputs(config: ExperimentConfig): StageName[];
  /** The part of the configuration that decides the result. */
  configPart(config: ExperimentConfig): Json;
  /** Whether the tensor engine must be running. */
  needsEngine(config: ExperimentConfig): boolean;
  /** The precision that the engine must have; float32 if left out. */
  precision?(config: ExperimentConfig): Precision;
  /** Whether several processes may make one artifact of it side by side; see {@link Sharing}. @default false */
  shared?: boolean;
  load(): Promise<(context: StageContext) => Promise<void>>;
}
