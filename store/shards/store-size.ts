/** How much room a gradient store takes, before it is written. */
import type { GradientStoreInfo } from '../../schemas/gradient-store.ts';
import { rowBytes } from './arrow-columns.ts';
import { shardColumns } from './store-layout.ts';

/** What `storedBytes` must know. */
export type StoreSize = Pick<GradientStoreInfo, 'codec' | 'shape' | 'targets'>;

/** Bytes of the rows of so many images; headers, checksums and alignment add less than a hundredth. */
export function storedBytes(info: StoreSize, images: number): number {
  return images * info.targets * shardColumns(info).reduce((sum, column) => sum + rowBytes(column), 0);
}
