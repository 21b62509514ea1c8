/** What is to be imported, and how it is described once its weights are found. */
import type { ClassifierModel, ScoreModelDescription } from '../../../schemas/model.ts';
import type { Json } from '../../../schemas/stage.ts';
import type { ModelParts } from '../../../stages/numerics/networks/stored-model.ts';

/** The options of `pipeline model import`, as given. */
export interface DescribeOptions {
  network?: string | undefined;
  shape?: string | undefined;
  classes?: string | undefined;
  mean?: string | undefined;
  std?: string | undefined;
  preconditioning?: string | undefined;
  scale?: string | undefined;
}

export interface Described extends ModelParts {
  /** Of the network. */
  kind: string;
  complete(parameters: number, provenance: Record<string, Json>): ClassifierModel | ScoreModelDescription;
}
