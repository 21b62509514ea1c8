/** Python with nothing but its standard library: an independent reader and packer of files. */
import { execFileSync } from 'node:child_process';

/** Runs a script with `sys.argv[1:]` and bytes on its standard input; returns what it wrote. */
export function plainPython(script: string, args: string[] = [], input: Uint8Array | string = ''): Buffer {
  return execFileSync('python3', ['-c', script, ...args], { input, maxBuffer: 1 << 28 });
}

/** Bytes packed by Python's bz2. */
export function bzip2(data: Uint8Array | string): Buffer {
  return plainPython(
    'import bz2, sys; sys.stdout.buffer.write(bz2.compress(sys.stdin.buffer.read()))',
    [],
    data,
  );
}
