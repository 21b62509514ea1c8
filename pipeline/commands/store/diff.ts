/** `pipeline store diff`: how far the gradients of two stores point in different directions. */
import { PipelineError } from '../../../schemas/errors.ts';
import { compareStores, misfitOf, type StoreDifference } from '../../../store/shards/compare-stores.ts';
import { openGradientReader } from '../../../store/shards/gradient-reader.ts';
import { labelled } from '../../fold-text.ts';
import type { World } from '../../world.ts';
import { findStore, usage } from './find-store.ts';
import { type StoreArguments, showLoss } from './info.ts';

const LABEL = 11;

export async function diffCommand(
  { source, other, runs, json }: StoreArguments & { other?: string | undefined },
  world: World,
): Promise<void> {
  if (source === undefined || other === undefined) {
    throw usage('Expected two stores (pipeline store diff STORE OTHER).');
  }
  const readers = [await openGradientReader(await findStore(source, runs))];
  try {
    readers.push(await openGradientReader(await findStore(other, runs)));
    const [one, two] = readers as [(typeof readers)[0], (typeof readers)[0]];
    const misfit = misfitOf(one.info, two.info);
    if (misfit !== null)
      throw mismatch(`two stores of one size, found ${misfit}; compare stores of the same images.`);
    const found = await compareStores(one, two);
    if ('image' in found) {
      throw mismatch(
        `targets of the same classes in both stores, found others for image ${found.image}; compare stores of the same precompute.targets.`,
      );
    }
    world.stdout.write(json ? `${JSON.stringify(found, null, 2)}\n` : `${tell(found).join('\n')}\n`);
  } finally {
    for (const reader of readers) await reader.close();
  }
}

function tell({ rows, different, meanCosineLoss, worst }: StoreDifference): string[] {
  const count = (value: number) => value.toLocaleString('en');
  if (different === 0) return [`All ${count(rows)} gradients are equal.`];
  return [
    ...labelled('Gradients', LABEL, `${count(rows)}, of which ${count(different)} differ`),
    ...labelled('1 - cos', LABEL, `${showLoss(meanCosineLoss)} on average`),
    ...labelled(
      'Worst',
      LABEL,
      `${showLoss(worst.cosineLoss)}: image ${worst.image}, target class ${worst.targetClass}`,
    ),
  ];
}

function mismatch(what: string): PipelineError {
  return new PipelineError('SHAPE_MISMATCH', `Expected ${what}`);
}
