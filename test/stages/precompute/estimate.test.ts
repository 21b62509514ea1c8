/** What is told before and while a store is filled. */
import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Progress } from '../../../schemas/stage.ts';
import { Estimate, inWords, requireRoom } from '../../../stages/precompute/estimate.ts';
import { openGradientWriter } from '../../../store/shards/gradient-writer.ts';
import { shardName } from '../../../store/shards/store-layout.ts';
import { storedBytes } from '../../../store/shards/store-size.ts';

describe('the size of a store', () => {
  it.each(['float32', 'float16', 'int8'] as const)('is known before it is written: %s', async (codec) => {
    const directory = mkdtempSync(join(tmpdir(), 'pag-test-'));
    const info = {
      version: 2 as const,
      codec,
      shape: [16, 16, 3],
      images: 50,
      classes: 10,
      targets: 10,
      targetClasses: 'all' as const,
      shardImages: 50,
      description: 'made for a test',
    };
    const writer = await openGradientWriter(directory, info);
    const gradients = Float32Array.from({ length: 50 * 10 * 768 }, (_, i) => Math.sin(i));
    await writer.write(0, gradients);
    const { size } = statSync(join(directory, shardName(0)));
    const told = storedBytes(info, 50);
    expect(size).toBeGreaterThanOrEqual(told);
    expect(size / told).toBeLessThan(1.01);
  });

  it('of the targets of CIFAR-10 in float16 is 3.07 GB and some bytes a row', () => {
    const rows = 50_000 * 10;
    const bytes = storedBytes({ codec: 'float16', shape: [32, 32, 3], targets: 10 }, 50_000);
    expect(bytes - rows * 6144).toBeLessThan(rows * 16);
  });
});

describe('room on the disk', () => {
  it('is looked for before work is begun', async () => {
    const free = async () => 2.5e9;
    await expect(requireRoom('/runs/artifacts/precompute-1', 3.072e9, free)).rejects.toMatchObject({
      code: 'DISK_FULL',
      message:
        'Expected 3.1 GB of free space for the target gradients in /runs/artifacts/precompute-1, found 2.5 GB; free ' +
        'some, choose a folder on another disk (--runs DIR), or store less (precompute.codec, precompute.targets).',
    });
    await requireRoom('/runs/artifacts/precompute-1', 2.4e9, free);
  });

  it('is that of the disk on which the folder lies', async () => {
    await requireRoom(tmpdir(), 1);
    await expect(requireRoom(tmpdir(), 1e18)).rejects.toMatchObject({ code: 'DISK_FULL' });
  });
});

describe('the estimate of time', () => {
  function told(images: number, total: number) {
    const lines: Progress[] = [];
    const notes: string[] = [];
    const context = {
      progress: (line: Progress) => lines.push(line),
      note: (text: string) => notes.push(text),
    };
    return { lines, notes, estimate: new Estimate(3.072e9, images, total, context) };
  }

  it('is told once, from the speed after the first batch, with the bytes', () => {
    const { lines, notes, estimate } = told(40_000, 50_000);
    estimate.tell(20, 60_000);
    estimate.tell(50, 62_000);
    expect(notes).toEqual([]);
    // 300 images in 6 s, and 39,680 to go.
    estimate.tell(320, 66_000);
    expect(notes).toEqual(['3.1 GB, about 13 minutes to go']);
    estimate.closeShard(1024);
    estimate.tell(100, 90_000);
    expect(notes).toHaveLength(1);
    expect(lines.at(-1)).toEqual({ done: 11_124, underway: 100, total: 50_000, unit: 'images' });
  });

  it('is not told where the work is soon done', () => {
    const { notes, estimate } = told(100, 100);
    estimate.tell(10, 0);
    estimate.tell(99, 8000);
    expect(notes).toEqual([]);
  });

  it('speaks in round numbers', () => {
    expect([8, 44, 89, 130, 5000, 12_000].map(inWords)).toEqual([
      'about 10 seconds',
      'about 40 seconds',
      'about 90 seconds',
      'about 2 minutes',
      'about 83 minutes',
      'about 3.5 hours',
    ]);
  });
});
