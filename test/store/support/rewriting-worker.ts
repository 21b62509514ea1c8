/** Rewrites one file without end, for the test that kills it. */
import { writeFileAtomic } from '../../../store/atomic-file.ts';

const path = process.argv[2]!;
for (let i = 0; ; i++) {
  await writeFileAtomic(path, String.fromCharCode(97 + (i % 26)).repeat(3_000_000));
  if (i === 0) process.stdout.write('started\n');
}
