/** The shape of the images that a network takes, and the message where it cannot take them. */
import { PipelineError } from '../../../../schemas/errors.ts';

/** @returns [height, width, channels]; anything else is `CONFIG_INVALID` */
export function imageShape(kind: string, shape: readonly number[]): [number, number, number] {
  if (shape.length === 3) return shape as [number, number, number];
  throw new PipelineError(
    'CONFIG_INVALID',
    `Expected images of shape [height, width, channels] for the network ${kind}, found inputs of shape ` +
      `[${shape}]; choose train.network.kind mlp.`,
  );
}
