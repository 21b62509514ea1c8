/** Writes what is missing of a store, to be killed while it does: prints a line when it begins. */
import { gradientsOf, storeInfo, writeMissing } from './sample-stores.ts';

const info = storeInfo(JSON.parse(process.argv[3]!));
const gradients = gradientsOf(info);
process.stdout.write('begin\n');
await writeMissing(process.argv[2]!, info, gradients);
