/** Score networks by size, for those who do not want to choose every width: `network: small`. */
import * as z from 'zod';
import { scoreNetworkSchema } from './network-config.ts';

/** By what the data are. */
const SIZES = {
  /** Points. */
  toy: { kind: 'mlp', hidden: [128, 128, 128] },
  /** Images of 16 to 28 pixels: 2.5 million values. */
  small: {
    kind: 'unet',
    channels: 64,
    multipliers: [1, 2, 2],
    blocks: 1,
    attention: [7, 8],
    groups: 8,
  },
  /** Images of 32 to 64 pixels: widths and attention of Ho et al. 2020 for CIFAR-10, 25 million values. */
  large: {
    kind: 'unet',
    channels: 128,
    multipliers: [1, 2, 2, 2],
    blocks: 2,
    attention: [16],
    groups: 32,
    dropout: 0.1,
  },
} as const;

const size = z
  .enum(['toy', 'small', 'large'])
  .transform((name) => scoreNetworkSchema.parse(SIZES[name]))
  .describe('toy: points; small: images of 16 to 28 pixels; large: of 32 to 64 pixels');

/** A score network as it is written: a size, or its settings. */
export const scoreNetworkEntrySchema = z.union([size, scoreNetworkSchema]);
