/**
 * The settings of a network published with EDM, read off the names and shapes of its tensors, so that such a file is
 * imported without a word about its network. What shapes do not tell has the published value.
 */
import type { ScoreNetworkConfig } from '../../../schemas/network-config.ts';
import type { Tensor } from '../../../store/tensor-file.ts';

export interface Deduced {
  network: Record<string, unknown> & { kind: ScoreNetworkConfig['kind'] };
  shape: [number, number, number];
  /** 0 where the network knows none. */
  classes: number;
  /** Whether its output has twice the channels. */
  learnsVariance: boolean;
}

/** @returns null where the tensors are not those of such a network */
export function deduceEdm(tensors: Readonly<Record<string, Tensor>>): Deduced | null {
  const found = Object.keys(tensors).flatMap((name) => /^(.*)enc\.(\d+)x\2_conv\.weight$/.exec(name) ?? []);
  if (found.length !== 3) return null;
  const [, prefix, side] = found as [string, string, string];
  const sides = (name: string) => tensors[prefix + name]?.shape;
  const first = sides(`enc.${side}x${side}_conv.weight`);
  const emb = sides('map_layer0.weight');
  const filters = Object.entries(tensors).filter(([name]) => name.endsWith('.resample_filter'));
  if (first === undefined || emb === undefined || filters.length === 0) return null;
  const isSong = sides('out_conv.weight') === undefined;
  const last = sides(isSong ? `dec.${side}x${side}_aux_conv.weight` : 'out_conv.weight');
  const unit = emb[0]! / 4;
  const shared = { channels: unit, augmentations: sides('map_augment.weight')?.[1] ?? 0 };
  const names = Object.keys(tensors).map((name) => name.slice(prefix.length));
  const own = isSong
    ? songSettings(names, emb[1]! / unit, filters[0]![1])
    : { kind: 'dhariwal-unet' as const };
  return {
    network: { ...own, ...shared, ...resolutions(names, sides, Number(side), unit) },
    shape: [Number(side), Number(side), first[1]!],
    classes: sides('map_label.weight')?.[1] ?? 0,
    learnsVariance: last?.[0] === 2 * first[1]!,
  };
}

/** Widths, blocks and attention of each resolution, from the largest. */
function resolutions(
  names: readonly string[],
  sides: (name: string) => readonly number[] | undefined,
  side: number,
  unit: number,
) {
  const levels = [];
  for (let at = side; sides(`enc.${at}x${at}_block0.conv1.weight`) !== undefined; at /= 2) levels.push(at);
  const blocks = names.filter((name) =>
    new RegExp(`^enc\\.${side}x${side}_block\\d+\\.conv0\\.weight$`).test(name),
  );
  return {
    multipliers: levels.map((at) => sides(`enc.${at}x${at}_block0.conv1.weight`)![0]! / unit),
    blocks: blocks.length,
    attention: levels.filter((at) => sides(`enc.${at}x${at}_block0.qkv.weight`) !== undefined),
  };
}

function songSettings(names: readonly string[], noiseMultiplier: number, { shape, data }: Tensor) {
  const has = (part: string) => names.some((name) => name.includes(part));
  const taps = shape.at(-1)!;
  // The first row is a multiple of the taps.
  const row = Array.from({ length: taps }, (_, i) => data[i]! / data[0]!);
  return {
    kind: 'song-unet' as const,
    embedding: names.includes('map_noise.freqs') ? 'fourier' : 'positional',
    noiseMultiplier,
    encoder: has('_aux_skip') ? 'skip' : has('_aux_residual') ? 'residual' : 'standard',
    decoder: names.filter((name) => name.endsWith('_aux_conv.weight')).length > 1 ? 'skip' : 'standard',
    filter: row,
  };
}
