/** The target gradients that classifiers were trained with: how each store was made, what it takes and lost, pictures. */
import { showBytes } from '../../store/show-bytes.ts';
import { grouped } from '../numerics/analyses/figure-text.ts';
import { itemsOf, shortKey } from './facts.ts';
import type { Numbering } from './figure.ts';
import { targetGrids } from './image-grid.ts';
import { type Markup, markup } from './markup.ts';
import { keyOf, type ReportData, type TargetStore, type VariantData } from './report-data.ts';
import { table } from './table.ts';

/** A store with the variants that were trained with it. */
interface UsedStore {
  key: string;
  store: TargetStore;
  users: VariantData[];
}

/** Null where no variant was trained with target gradients. */
export function targetSection(data: ReportData, numbers: Numbering): Markup | null {
  const stores = usedStores(data.variants);
  if (stores.length === 0) return null;
  return markup`${storeTable(stores, numbers)}
${targetGrids(data, numbers)}`;
}

function usedStores(variants: VariantData[]): UsedStore[] {
  const found = new Map<string, UsedStore>();
  for (const variant of variants) {
    const key = keyOf(variant, 'precompute');
    if (variant.targets === null || key === null) continue;
    const known = found.get(key);
    if (known === undefined) found.set(key, { key, store: variant.targets, users: [variant] });
    else known.users.push(variant);
  }
  return [...found.values()];
}

function storeTable(stores: UsedStore[], numbers: Numbering): Markup {
  const items = itemsOf(stores.flatMap(({ users }) => users));
  const caption = markup`<b>Table ${numbers.table()}.</b> The target gradients of the training ${items}, computed once before training. 1 − cos is what the codec lost: between each gradient and what is read back, over all of them; training uses directions only.`;
  const rows = stores.map(({ key, store, users }) => [
    users.map(({ label }) => label).join('; '),
    markup`<b>${users[0]!.config.precompute.method}</b>: ${store.description}${precisionText(store)}`,
    `${grouped(store.images)} × ${store.targets}${store.isListed ? ` of ${store.classes}` : ''}`,
    store.codec,
    showBytes(store.bytes),
    markup`${loss(store.meanCosineLoss)}<span class="interval">worst ${loss(store.worstCosineLoss)}</span>`,
    markup`<code>${shortKey(key)}</code>`,
  ]);
  const columns = [
    { name: 'variants' },
    { name: 'targets' },
    { name: `${items} × classes`, number: true },
    { name: 'codec' },
    { name: 'size', number: true },
    { name: 'mean 1 − cos', number: true },
    { name: 'artifact' },
  ];
  return table(columns, rows, caption);
}

/** Empty in float32. */
function precisionText({ precisionCost: cost }: TargetStore): Markup {
  if (cost === null) return markup``;
  const { precision, gradients, meanCosineLoss: mean, worstCosineLoss: worst } = cost;
  return markup`; in ${precision}, 1 − cos with float32 ${loss(mean)}, worst ${loss(worst)} of ${gradients} gradients`;
}

function loss(value: number): string {
  return value === 0 ? '0' : value.toExponential(1);
}
