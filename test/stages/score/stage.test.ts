/** What decides a score model's key. */
import { describe, expect, it } from 'vitest';
import { scoreStage } from '../../../stages/score/stage.ts';
import { configOf } from '../../support/stage-context.ts';

const part = (score: object) => JSON.stringify(scoreStage.configPart(configOf({ score })));

describe('the key of a score model', () => {
  it('hangs on the settings that its kind reads, and on no others', () => {
    const ddpm = { ddpm: { steps: 100 } };
    expect(part({ kind: 'edm', ...ddpm })).toBe(part({ kind: 'edm' }));
    expect(part({ kind: 'ddpm', ...ddpm })).not.toBe(part({ kind: 'ddpm' }));
    expect(part({ kind: 'edm', pMean: 0 })).not.toBe(part({ kind: 'edm' }));
    expect(part({ kind: 'ddpm', pMean: 0 })).toBe(part({ kind: 'ddpm' }));
    expect(part({ kind: 'analytic', steps: 3 })).toBe(part({ kind: 'analytic' }));
  });

  it('is that of the settings which a size of network stands for', () => {
    const large = configOf({ score: { network: 'large' } }).score.network;
    expect(part({ network: 'large' })).toBe(part({ network: large }));
  });
});
