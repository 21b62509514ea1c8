/**
 * The way down and up that SongUNet and DhariwalUNet share: residual blocks at each resolution, a block that halves
 * or doubles between them, and outputs of the way down that the way up takes in, last first.
 */
import type { Parameters } from '../tensor/parameters.ts';
import { tf } from '../tensor/tf.ts';
import { type EdmBlock, type EdmStyle, edmBlock, groupsOf } from './blocks/edm-block.ts';
import { noSpread, type Spread } from './blocks/spread.ts';
import type { ScorePass } from './network.ts';
import { refuseMisfit } from './refuse-misfit.ts';

/** The blocks at one resolution. */
export interface EdmLevel {
  /** Pixels, which its tensors are named after: `32x32`. */
  side: number;
  /** Channels. */
  width: number;
  down: EdmBlock[];
  up: (EdmBlock & {
    /** Whether an output of the way down joins the input. */
    takesSkip: boolean;
  })[];
}

export interface EdmPlanSettings {
  side: number;
  /** Channels behind the first convolution, which is the first output of the way down. */
  first: number;
  /** Channels of each resolution. */
  widths: readonly number[];
  /** Blocks of a resolution on the way down. */
  blocks: number;
  attention: readonly number[];
  /** Whether each block of such a resolution attends on the way up, or the last one alone. */
  attendsUp: 'all' | 'last';
}

export function planEdm(settings: EdmPlanSettings): EdmLevel[] {
  const { first, widths, side } = settings;
  const skips = [first];
  let inputs = first;
  const levels: EdmLevel[] = widths.map((width, level) => {
    const down = blocksDown(settings, side >> level, level, inputs);
    skips.push(...down.map(({ outputs }) => outputs));
    inputs = width;
    return { side: side >> level, width, down, up: [] };
  });
  for (const [level, entry] of [...levels.entries()].reverse()) {
    entry.up = blocksUp(settings, entry, level === levels.length - 1, inputs, skips);
    inputs = entry.width;
  }
  return levels;
}

function blocksDown(
  { widths, blocks, attention }: EdmPlanSettings,
  side: number,
  level: number,
  before: number,
): EdmBlock[] {
  const stage = `enc.${side}x${side}`;
  const shrink = { name: `${stage}_down`, inputs: before, outputs: before, resample: 'halve' as const };
  const outputs = widths[level]!;
  return [
    ...(level === 0 ? [] : [{ ...shrink, attends: false }]),
    ...Array.from({ length: blocks }, (_, i) => ({
      name: `${stage}_block${i}`,
      inputs: i === 0 ? before : outputs,
      outputs,
      attends: attention.includes(side),
    })),
  ];
}

function blocksUp(
  { blocks, attention, attendsUp }: EdmPlanSettings,
  { side, width: outputs }: EdmLevel,
  isDeepest: boolean,
  before: number,
  skips: number[],
): EdmLevel['up'] {
  const stage = `dec.${side}x${side}`;
  const alone = { inputs: before, outputs: before, takesSkip: false };
  const begin = isDeepest
    ? [
        { ...alone, name: `${stage}_in0`, attends: true },
        { ...alone, name: `${stage}_in1`, attends: false },
      ]
    : [{ ...alone, name: `${stage}_up`, resample: 'double' as const, attends: false }];
  const rest = Array.from({ length: blocks + 1 }, (_, i) => ({
    name: `${stage}_block${i}`,
    inputs: (i === 0 ? before : outputs) + skips.pop()!,
    outputs,
    attends: attention.includes(side) && (attendsUp === 'all' || i === blocks),
    takesSkip: true,
  }));
  return [...begin, ...rest];
}

/** @throws PipelineError `CONFIG_INVALID` where a norm's groups or the heads of attention do not divide the channels */
export function requireWholeParts(
  levels: readonly EdmLevel[],
  { heads }: EdmStyle,
  settings: { channels: number; headChannels?: number },
): void {
  for (const { inputs, outputs, attends } of edmBlocks(levels)) {
    const groups = groupsOf(inputs);
    if (inputs % groups !== 0) {
      const expected = `such a width that ${groups} groups divide ${inputs} channels`;
      refuseMisfit('score', { path: ['channels'], expected, found: String(settings.channels) });
    }
    const count = heads(outputs);
    if (attends && count > 0 && outputs % count !== 0) {
      const expected = `such a width that ${count} heads divide ${outputs} channels`;
      refuseMisfit('score', { path: ['headChannels'], expected, found: String(settings.headChannels) });
    }
  }
}

/** One block applied to an image, with everything else bound. */
export type RunBlock = (block: EdmBlock, x: tf.Tensor4D, spread?: Spread) => tf.Tensor4D;

export const blockRunner =
  (values: Parameters, style: EdmStyle, embedding: tf.Tensor2D, pass?: ScorePass): RunBlock =>
  (block, x, spread) =>
    edmBlock(values, block, style, x, embedding, pass, spread);

/**
 * The way down.
 *
 * @param first of each image
 * @param spread from images to the batch, which the first block does
 * @param join what else happens behind a block that halves the resolution
 * @returns the last output, and all of them
 */
export function goDown(
  levels: readonly EdmLevel[],
  first: tf.Tensor4D,
  run: RunBlock,
  spread: Spread,
  join: (x: tf.Tensor4D, level: EdmLevel) => tf.Tensor4D = (x) => x,
): { h: tf.Tensor4D; skips: tf.Tensor4D[] } {
  let h = first;
  const skips = [spread(h)];
  for (const level of levels) {
    for (const block of level.down) {
      h = run(block, h, skips.length === 1 ? spread : noSpread);
      if (block.resample !== undefined) h = join(h, level);
      skips.push(h);
    }
  }
  return { h, skips };
}

/** The blocks of one resolution on the way up. */
export function goUp({ up }: EdmLevel, x: tf.Tensor4D, skips: tf.Tensor4D[], run: RunBlock): tf.Tensor4D {
  let h = x;
  for (const block of up) h = run(block, block.takesSkip ? tf.concat([h, skips.pop()!], 3) : h);
  return h;
}

export const edmBlocks = (levels: readonly EdmLevel[]): EdmBlock[] => [
  ...levels.flatMap(({ down }) => down),
  ...[...levels].reverse().flatMap(({ up }) => up),
];
