/** The manifest of an artifact: what it is made of and from. Written last; an artifact without one is unfinished. */
import * as z from 'zod';
import { STAGE_NAMES } from './stage.ts';

/** Raised when a reader of the old form would misread the new one. */
export const MANIFEST_VERSION = 1;

/** One file of an artifact. */
export const fileRecordSchema = z.object({
  /** Path relative to the artifact, with forward slashes. */
  name: z.string(),
  bytes: z.number().int().nonnegative(),
  /** Hexadecimal. */
  sha256: z.string().length(64),
});
export type FileRecord = z.infer<typeof fileRecordSchema>;

/** The same configuration gives the same manifest, byte for byte: no clock, no host. */
export const manifestSchema = z.object({
  version: z.literal(MANIFEST_VERSION),
  stage: z.enum(STAGE_NAMES),
  key: z.string(),
  codeVersion: z.number().int(),
  /** The part of the configuration that decided the result. */
  config: z.json(),
  /** Keys of the artifacts that were read. */
  inputs: z.array(z.object({ stage: z.enum(STAGE_NAMES), variant: z.string(), key: z.string() })),
  /** Sorted by name. Leaves out the manifest, the provenance and other files that name a time or a machine. */
  files: z.array(fileRecordSchema),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** Who made the artifact, when and with what; kept beside the manifest in `provenance.json`. */
export interface Provenance {
  finishedAt: string;
  durationSec: number;
  /** How many times the work was taken up again. */
  resumed: number;
  package: string;
  node: string;
  engine: string | null;
  host: string;
}

/** Files of an artifact that may differ between two runs of the same configuration; no checksum covers them. */
export const VOLATILE_FILES: readonly string[] = [
  'manifest.json',
  'provenance.json',
  'tensorboard',
  'timings.parquet',
];
