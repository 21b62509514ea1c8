/** Takes SHA-256s in a thread of its own, several at a time by number; started by hash-thread.ts. */
import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
const hashes = new Map();

port.on('message', ({ id, bytes }) => {
  const hash = hashes.get(id) ?? createHash('sha256');
  hashes.set(id, hash);
  if (bytes !== null) {
    hash.update(bytes);
    port.postMessage(null);
    return;
  }
  hashes.delete(id);
  port.postMessage(hash.digest('hex'));
});
