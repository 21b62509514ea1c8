/** What happens during a run, as told to the terminal or, with --json, as one line each on stdout. */
import type { Progress } from '../schemas/stage.ts';
import type { PlannedNode } from './plan.ts';

/** A node as events name it. */
export interface Subject {
  /** `<stage>-<key>` */
  id: string;
  /** Stage and variants. */
  name: string;
}

export type RunEvent =
  | { event: 'plan'; experiment: string; nodes: PlanLine[] }
  | { event: 'setup'; line: string }
  | ({ event: 'start' } & Subject)
  | ({ event: 'wait'; holder: string } & Subject)
  | ({ event: 'note'; sentence: string } & Subject)
  | ({ event: 'progress' } & Subject & Progress)
  | ({ event: 'log'; text: string } & Subject)
  | ({ event: 'repair'; artifact: string; files: string[] } & Subject)
  /** `made` is false where another run had made it meanwhile. */
  | ({ event: 'finish'; seconds: number; made: boolean; directory: string } & Subject)
  | ({ event: 'fail'; code: string | null; message: string; log: string } & Subject)
  | { event: 'stopping'; cause: 'request' | 'failure' }
  | ResultEvent
  /** `kept`: work had begun, and what was finished stays for the next run. */
  | { event: 'error'; code: string | null; message: string; kept: boolean };

/** What was asked for, and is there. */
export interface ResultEvent {
  event: 'result';
  /** For people. */
  summary: string;
  /** Path of the report, where one was asked for. */
  report: string | null;
  /** Files to look at, where a person is to be led to them rather than to the directories. */
  files?: string[];
  /** What a file of results says, for programs. */
  figures?: object;
  directories: (Subject & { directory: string })[];
}

/** One line of a plan. */
export interface PlanLine extends Subject {
  action: PlannedNode['action'];
  reason: string;
}

export type Emit = (event: RunEvent) => void;
