/** Reduced precision: which machines offer it, and what is said on those that do not, before any work is begun. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { main } from '../../../pipeline/cli.ts';
import {
  hasBfloat16,
  requireMeasured,
  requirePrecision,
  setPrecision,
} from '../../../pipeline/engine/precision.ts';
import { thisWorld } from '../../../pipeline/world.ts';
import { makeProject } from '../fixtures/project.ts';

const OLD = { model: 'Old Processor', cores: 2, features: ['avx', 'avx2', 'fma'] };
const SENTENCE =
  'Expected a processor that multiplies in bfloat16 (amx_bf16), as train.precision or precompute.precision asks, found Old Processor with avx avx2 fma; set it to float32.';

describe('bfloat16', () => {
  it('is there where the engine makes use of the processor’s instructions for it', () => {
    expect(hasBfloat16(OLD)).toBe(false);
    expect(hasBfloat16({ features: ['avx512f', 'avx512_bf16'] })).toBe(false);
    expect(hasBfloat16({ features: ['avx512f', 'amx_tile', 'amx_bf16'] })).toBe(true);
  });

  it('is refused elsewhere, and on graphics cards', () => {
    expect(() => requirePrecision('bfloat16', OLD, undefined)).toThrow(SENTENCE);
    expect(() => requirePrecision('bfloat16', { ...OLD, features: [] }, undefined)).toThrow(
      'found Old Processor with no vector instructions;',
    );
    expect(() => requirePrecision('float32', OLD, undefined)).not.toThrow();
    const able = { ...OLD, features: ['amx_bf16'] };
    expect(() => requirePrecision('bfloat16', able, undefined)).not.toThrow();
    expect(() => requirePrecision('bfloat16', able, 'cuda')).toThrow(
      'Expected PAG_ENGINE to be unset, as train.precision or precompute.precision is bfloat16, which only the processor offers here, got `cuda`; set it to float32, or unset PAG_ENGINE.',
    );
  });

  it('is told from float32 by what the engine calculates', () => {
    expect(() => requireMeasured('bfloat16', 'float32')).toThrow(
      'Expected TensorFlow to multiply in bfloat16, found that it does so in float32; unset every environment variable that begins with ONEDNN_ or DNNL_, and TF_ENABLE_ONEDNN_OPTS.',
    );
    expect(() => requireMeasured('float32', 'float32')).not.toThrow();
  });

  it('is set for the library either way, whatever the shell has set', () => {
    const shell = { TF_SET_ONEDNN_FPMATH_MODE: 'BF16', ONEDNN_DEFAULT_FPMATH_MODE: 'BF16', PATH: '/bin' };
    const environment: NodeJS.ProcessEnv = { ...shell };
    setPrecision('float32', environment);
    expect(environment).toEqual({ ONEDNN_DEFAULT_FPMATH_MODE: 'STRICT', PATH: '/bin' });
    setPrecision('bfloat16', environment);
    expect(environment).toEqual({
      ONEDNN_DEFAULT_FPMATH_MODE: 'BF16',
      TF_ENABLE_ONEDNN_OPTS: '1',
      PATH: '/bin',
    });
  });
});

describe('a run that asks for bfloat16 on a processor without it', () => {
  it('ends before any work is begun', async () => {
    const { runs } = await makeProject();
    let stderr = '';
    const world = {
      ...thisWorld(),
      stdout: { write: () => true },
      stderr: { write: (text: string) => (stderr += text) },
      cpu: () => OLD,
    };
    const words = ['run', '--preset', 'usps', '--set', 'train.precision=bfloat16', '--runs', runs, '--quiet'];
    expect(await main(words, world)).toBe(1);
    expect(stderr).toBe(`${SENTENCE}\n`);
    expect(existsSync(runs)).toBe(false);
  });
});
