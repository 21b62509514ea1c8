/** Curves over the noise level of score-based targets. */
import { describe, expect, it } from 'vitest';
import { numbering } from '../../../stages/report/figure.ts';
import { gather } from '../../../stages/report/gather.ts';
import { sigmaSweep } from '../../../stages/report/sigma-sweep.ts';
import { temporaryFolder } from '../../store/support/temporary-folder.ts';
import { type Fixture, type FixtureVariant, writeArtifacts } from './fixture.ts';
import { toy } from './worlds.ts';

/** The learned variant of the toy world at other noise levels. */
function sweep(
  levels: { label: string; sigma: number | number[]; draws: number; cosine: number }[],
): Fixture {
  const world = toy();
  const learned = world.variants.find(({ label }) => label === 'sbg learned')!;
  const variants = levels.map(
    ({ label, sigma, draws, cosine }): FixtureVariant => ({
      ...learned,
      label,
      settings: { ...learned.settings, precompute: { sigma, draws } },
      analysis: {
        ...learned.analysis,
        scoreAgreement: { meanCosine: cosine, worstCosine: 0, n: 64 },
        alignment: { meanCosine: 0.5, images: 64 },
      },
    }),
  );
  return { ...world, variants };
}

const titlesIn = (page: string) => [...page.matchAll(/<title>([^<]+)<\/title>/g)].map(([, title]) => title);

async function page(fixture: Fixture): Promise<string | null> {
  const data = await gather(await writeArtifacts(await temporaryFolder(), fixture));
  return sigmaSweep(data, numbering())?.text ?? null;
}

describe('the sweep over σ', () => {
  it('draws one line for the variants that differ in σ alone, by rising σ', async () => {
    const text = await page(
      sweep([
        { label: 'draws=1 sigma=40', sigma: 40, draws: 1, cosine: 0.75 },
        { label: 'draws=1 sigma=5', sigma: 5, draws: 1, cosine: 0.25 },
        { label: 'draws=8 sigma=5', sigma: 5, draws: 8, cosine: 0.35 },
        { label: 'draws=8 sigma=40', sigma: 40, draws: 8, cosine: 0.85 },
        { label: 'several', sigma: [5, 40], draws: 8, cosine: 0.1 },
        { label: 'alone', sigma: 5, draws: 3, cosine: 0.2 },
      ]),
    );
    expect(titlesIn(text!).slice(0, 4)).toEqual([
      'draws=1 sigma=5: 0.2500',
      'draws=1 sigma=40: 0.7500',
      'draws=8 sigma=5: 0.3500',
      'draws=8 sigma=40: 0.8500',
    ]);
    expect(text).toContain('draws=8</span>');
    expect(text).toContain('mean cosine with the exact score difference against noise level σ');
    expect(text).toContain('in units of the coordinates');
    expect(text).not.toContain('alone');
  });

  it('is left out where no two variants differ in σ alone', async () => {
    expect(await page(toy())).toBeNull();
  });
});
