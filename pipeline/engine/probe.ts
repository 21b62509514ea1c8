/**
 * Program: loads the engine in a process of its own and prints what it found as one line of JSON, so that the lines
 * TensorFlow writes while it loads stay off the terminal, and a library that crashes takes nothing with it.
 */
import { toErrorRecord } from '../../schemas/errors.ts';
import { registerEngine } from './register.ts';

try {
  process.stdout.write(JSON.stringify({ info: await registerEngine() }));
} catch (error) {
  process.stdout.write(JSON.stringify({ error: toErrorRecord(error) }));
}
