/** The columns of a table of images. */
import type { Column } from './arrow-columns.ts';

export type Storage = 'uint8' | 'float32';

/** `image`, of `size` values, and what else there is of each image. */
export function tableColumns(
  storage: Storage,
  size: number,
  { isLabelled, hasRegions }: { isLabelled: boolean; hasRegions: boolean },
): Column[] {
  return [
    { name: 'image', kind: storage, width: size },
    ...(isLabelled ? [{ name: 'label', kind: 'int32' as const, width: null }] : []),
    ...(hasRegions ? [{ name: 'region', kind: 'float32' as const, width: 4 }] : []),
  ];
}
