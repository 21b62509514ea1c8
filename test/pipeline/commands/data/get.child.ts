/** `pipeline data get cifar10 --data DIR` with one plain file: `get.child.ts DIR DOWNLOAD-AS-JSON`. */
import { main } from '../../../../pipeline/cli.ts';
import { thisWorld } from '../../../../pipeline/world.ts';
import type { DatasetEntry } from '../../../../store/datasets/catalogue-entry.ts';

const [directory, download] = process.argv.slice(2) as [string, string];
const entry: DatasetEntry = {
  name: 'cifar10',
  title: 'pictures of animals',
  layouts: [{ folder: 'animals', files: ['cats'], read: () => Promise.reject(new Error('not to be read')) }],
  downloads: [JSON.parse(download)],
  splits: ['train', 'test'],
};
process.exitCode = await main(['data', 'get', 'cifar10', '--data', directory], {
  ...thisWorld(),
  environment: {},
  catalogue: async () => [entry],
});
