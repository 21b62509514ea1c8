/** Score training: it learns, it resumes to the same bytes, and it says when it diverges. */
import '../../support/engine.ts';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ExperimentConfig } from '../../../schemas/config.ts';
import { runScore } from '../../../stages/score/run.ts';
import { readTable } from '../../../store/tables.ts';
import { configOf, contextOf, datasetArtifact } from '../../support/stage-context.ts';

let dataset: string;

const scoring = (score: object): ExperimentConfig =>
  configOf({
    score: {
      network: { kind: 'unet', channels: 4, multipliers: [1, 2], groups: 2 },
      steps: 40,
      batchSize: 16,
      warmupSteps: 2,
      checkpointSteps: 7,
      ...score,
    },
  });

beforeAll(async () => {
  const labels = Uint16Array.from({ length: 30 }, (_, i) => i % 2);
  const images = Uint8Array.from({ length: 30 * 16 }, (_, j) =>
    labels[Math.floor(j / 16)] === j % 2 ? 255 : 0,
  );
  dataset = await datasetArtifact([4, 4, 1], 2, { images, labels });
});

async function train(score: object, directory?: string) {
  const context = contextOf(scoring(score), { dataset }, directory);
  await runScore(context);
  return context;
}

const bytes = (directory: string, name: string) => readFileSync(join(directory, name));

describe('score training', () => {
  it('lowers the loss on data that one look tells apart', async () => {
    const { directory } = await train({ steps: 200, learningRate: 0.01 });
    const rows = await readTable(join(directory, 'metrics.parquet'));
    expect(rows.map((row) => row.step)).toEqual([20, 40, 60, 80, 100, 120, 140, 160, 180, 200]);
    expect(rows.at(-1)!.loss as number).toBeLessThan(0.5 * (rows[0]!.loss as number));
  });

  it('stopped and taken up again ends with the same bytes', async () => {
    const unbroken = await train({});
    const first = contextOf(scoring({}), { dataset });
    const progress = first.progress;
    first.progress = (line) => {
      progress(line);
      if (line.done === 23) first.stop.abort();
    };
    await expect(runScore(first)).rejects.toMatchObject({
      code: 'INTERRUPTED',
      message: 'Stopped on request; what was finished is kept.',
    });
    const second = await train({}, first.directory);
    expect(second.notes).toEqual(['resuming at step 23 of 40']);
    for (const name of ['model.safetensors', 'metrics.parquet', 'model.json']) {
      expect(bytes(second.directory, name).equals(bytes(unbroken.directory, name))).toBe(true);
    }
    expect(existsSync(join(second.directory, 'checkpoint.safetensors'))).toBe(false);
  });

  it('stops at a loss that is not finite and says what to do', async () => {
    const failure = (await train({ learningRate: 1e25, warmupSteps: 0 }).catch(
      (error: unknown) => error,
    )) as Error;
    expect(failure.message).toMatch(
      /^Expected a finite loss of the score model, got NaN or infinity at step \d+; the weights have diverged, so lower score\.learningRate \(now 1e\+25\) or raise score\.warmupSteps\.$/,
    );
  });

  it('has nothing to train for the analytic score', async () => {
    const { directory } = await train({ kind: 'analytic' });
    expect(JSON.parse(bytes(directory, 'score.json').toString())).toEqual({ kind: 'analytic' });
  });
});
