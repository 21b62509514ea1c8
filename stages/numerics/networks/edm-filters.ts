/** The tensors `resample_filter` that PyTorch keeps in the networks published with EDM: the filter itself, again and again. */
import type { EdmStyle } from './blocks/edm-block.ts';
import { filterValues } from './blocks/resample.ts';
import type { EdmLevel } from './edm-plan.ts';
import { edmBlocks } from './edm-plan.ts';
import type { DerivedTensor } from './network.ts';

/** @param branches how SongUNet joins the input and makes the output */
export function filterTensors(
  levels: readonly EdmLevel[],
  { filter }: EdmStyle,
  { encoder, decoder }: { encoder: string; decoder: string } = { encoder: 'standard', decoder: 'standard' },
): DerivedTensor[] {
  const changing = edmBlocks(levels).filter(({ resample }) => resample !== undefined);
  const stages = levels.map(({ side }) => `${side}x${side}`);
  const down = encoder === 'skip' ? 'aux_down' : 'aux_residual';
  const names = [
    ...changing.flatMap(({ name }) => [`${name}.conv0`, `${name}.skip`]),
    ...(encoder === 'standard' ? [] : stages.slice(1).map((stage) => `enc.${stage}_${down}`)),
    ...(decoder === 'skip' ? stages.slice(0, -1).map((stage) => `dec.${stage}_aux_up`) : []),
  ];
  const data = filterValues(filter);
  return names.map((name) => ({
    name: `${name}.resample_filter`,
    shape: [1, 1, filter.length, filter.length],
    data,
  }));
}
