/** Refuses a network that does not fit its inputs, or whose widths do not fit together. */
import { PipelineError } from '../../../schemas/errors.ts';
import type { Misfit } from '../../../schemas/network-fit.ts';

/** @throws PipelineError `CONFIG_INVALID` where there is a misfit; its path is that below `SECTION.network` */
export function refuseMisfit(section: 'train' | 'score', misfit: Misfit | null): void {
  if (misfit === null) return;
  const place = misfit.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
  throw new PipelineError(
    'CONFIG_INVALID',
    `Expected at ${section}.network${place} ${misfit.expected}, found ${misfit.found}; correct this setting.`,
  );
}
