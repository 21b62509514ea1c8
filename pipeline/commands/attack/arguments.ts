/** `pipeline attack` as it was typed. */
import type { RunOptions } from '../../prepare.ts';

export interface AttackArguments extends RunOptions {
  model?: string | undefined;
  data?: string | undefined;
  norm: string;
  eps?: string | undefined;
  attack: string;
  n?: number | undefined;
  seed: number;
  steps?: number | undefined;
  restarts?: number | undefined;
  queries?: number | undefined;
  targeted: boolean;
  minimal: boolean;
  from?: string | undefined;
  noise?: string | undefined;
  keep: string;
  'data-folder'?: string | undefined;
  set: string[];
}
