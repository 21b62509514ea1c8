/**
 * Child process of the lock tests. `count LOCK COUNTER ROUNDS [diesIn]`: adds 1 to a counter file so often, each
 * time under the lock, and kills itself in the middle of round `diesIn`. `hold LOCK`: takes the lock, says so, stays.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { acquireLock } from '../../../store/lock-file.ts';

const [task, lockPath, counter, rounds, diesIn] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string?,
];

if (task === 'hold') {
  await acquireLock(lockPath, { purpose: 'test of holding' });
  process.stdout.write('held\n');
  setInterval(() => undefined, 1000);
} else {
  for (let round = 0; round < Number(rounds); round++) {
    const lock = await acquireLock(lockPath, { purpose: 'counting', pollMs: 1 + Math.random() * 4 });
    const value = Number(readFileSync(counter, 'utf8'));
    // Long enough for another process to read the same value, were it let in.
    await sleep(Math.random() * 3);
    writeFileSync(counter, String(value + 1));
    if (round === Number(diesIn)) process.kill(process.pid, 'SIGKILL');
    await lock.release();
  }
}
