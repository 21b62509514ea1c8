/** The list of stages, in the order in which data flows. To add one, write its folder and name it here. */
import type { StageDefinition } from '../schemas/stage.ts';
import { analyzeStage } from '../stages/analyze/stage.ts';
import { attackStage } from '../stages/attack/stage.ts';
import { datasetStage } from '../stages/dataset/stage.ts';
import { precomputeStage } from '../stages/precompute/stage.ts';
import { reportStage } from '../stages/report/stage.ts';
import { scoreStage } from '../stages/score/stage.ts';
import { trainStage } from '../stages/train/stage.ts';

export const stages: readonly StageDefinition[] = [
  datasetStage,
  scoreStage,
  precomputeStage,
  trainStage,
  attackStage,
  analyzeStage,
  reportStage,
];
