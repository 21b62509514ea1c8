import { describe, expect, test } from 'vitest';
import { chooseEngine, ENGINES } from '../../../pipeline/setup/engine-table.mjs';
import { machineForTests } from './machine-for-tests.ts';

/** The engine for a machine of this kind. */
function choose(platform: string, arch: string, flavour?: string, libc: 'glibc' | 'musl' = 'glibc') {
  return chooseEngine(machineForTests({ platform, arch, libc, env: flavour ? { PAG_ENGINE: flavour } : {} }));
}

describe('engine table', () => {
  test.each([
    { platform: 'linux', arch: 'x64', flavour: undefined, first: 'tensorflow-cpu', wheels: 1 },
    { platform: 'linux', arch: 'x64', flavour: 'cpu', first: 'tensorflow-cpu', wheels: 1 },
    { platform: 'linux', arch: 'arm64', flavour: undefined, first: 'tensorflow', wheels: 1 },
    { platform: 'darwin', arch: 'arm64', flavour: undefined, first: 'tensorflow', wheels: 1 },
    { platform: 'linux', arch: 'x64', flavour: 'cuda', first: 'tensorflow', wheels: 12 },
  ])('$platform-$arch with PAG_ENGINE=$flavour', ({ platform, arch, flavour, first, wheels }) => {
    const engine = choose(platform, arch, flavour);
    expect(engine.name).toBe(`tensorflow-${flavour ?? 'cpu'}-2.21.0-${platform}-${arch}`);
    expect(engine.wheels[0]?.package).toBe(first);
    expect(engine.wheels).toHaveLength(wheels);
  });

  test('every wheel has a checksum of its own', () => {
    const sums = Object.values(ENGINES).flatMap(({ wheels }) => wheels.map(({ sha256 }) => sha256));
    for (const sum of sums) expect(sum).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(sums).size).toBe(sums.length);
  });

  test.each([
    { platform: 'win32', arch: 'x64', libc: 'glibc' as const, found: 'cpu-win32-x64' },
    { platform: 'linux', arch: 'riscv64', libc: 'glibc' as const, found: 'cpu-linux-riscv64' },
    { platform: 'linux', arch: 'x64', libc: 'musl' as const, found: 'cpu-linux-x64 with musl' },
  ])('no wheel for $found', ({ platform, arch, libc, found }) => {
    expect(() => choose(platform, arch, 'cpu', libc)).toThrow(
      `Expected a platform for which there is a TensorFlow 2.21.0 wheel (cpu-linux-x64, cpu-linux-arm64, cpu-darwin-arm64; on Linux with glibc), found ${found}: use one of these, for example in a container with Debian.`,
    );
  });

  test('an engine that does not exist', () => {
    expect(() => choose('linux', 'x64', 'gpu')).toThrow(
      'Expected the environment variable PAG_ENGINE to be `cpu` or `cuda`, found `gpu`: set it to one of these, or unset it for `cpu`.',
    );
  });
});
