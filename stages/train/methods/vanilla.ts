/** Cross entropy on the clean images, and nothing else. */
import type { TrainingMethod } from './method.ts';

export const vanilla = (): TrainingMethod => ({});
