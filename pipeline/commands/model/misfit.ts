/** What is told where the tensors of a file are not those that a network needs. */
import { PipelineError } from '../../../schemas/errors.ts';
import type { NamedShape, NameMatch } from '../../../store/torch-names.ts';

const SHOWN = 10;

/** Throws `SHAPE_MISMATCH` unless everything was found and nothing is left over. */
export function refuseMisfit(match: NameMatch, path: string, kind: string, needed: number): void {
  const { prefix, missing, unexpected, misshapen } = match;
  if (missing.length + unexpected.length + misshapen.length === 0) return;
  const behind = prefix === '' ? '' : ` behind the prefix ${prefix}`;
  const counts = [
    ...(missing.length > 0 ? [`${missing.length} missing`] : []),
    ...(unexpected.length > 0 ? [`${unexpected.length} unexpected`] : []),
    ...(misshapen.length > 0 ? [`${misshapen.length} of another shape`] : []),
  ].join(', ');
  const lines = [
    `Expected the ${needed} tensors of the network ${kind} in ${path}${behind}, found ${counts}.`,
    ...list('Missing', missing, ({ name, wanted }) => (wanted === name ? '' : ` as ${wanted}`)),
    ...list('Unexpected', unexpected),
    ...list('Of another shape', misshapen, ({ found }) => `, found ${showShape(found)}`),
    advice(match),
  ];
  throw new PipelineError('SHAPE_MISMATCH', lines.join('\n'), { place: { files: [path] } });
}

/** As PyTorch writes it: `[64, 3, 3, 3]`. */
export function showShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

function list<T extends NamedShape>(title: string, tensors: readonly T[], more = (_: T) => ''): string[] {
  if (tensors.length === 0) return [];
  const lines = tensors
    .slice(0, SHOWN)
    .map((tensor) => `  ${tensor.name} ${showShape(tensor.shape)}${more(tensor)}`);
  const rest = tensors.length - SHOWN;
  return [`${title}:`, ...lines, ...(rest > 0 ? [`  and ${rest} more`] : [])];
}

function advice({ missing, unexpected, misshapen, suggestion }: NameMatch): string {
  if (Object.keys(suggestion).length > 0) {
    const map = JSON.stringify(suggestion, null, 2);
    return `By their shapes these may be the same; look it through, put it into a file and add --map FILE:\n${map}`;
  }
  if (missing.length > 0 && unexpected.length > 0) {
    return 'Say with --map FILE what ours are called there ({"ours": "theirs", …}), or choose the network they were trained with.';
  }
  if (missing.length + misshapen.length > 0) {
    return 'Choose --network, --shape and --classes as the weights were trained with.';
  }
  return 'Leave them out with --ignore NAME if the logits do not depend on them (a mean and std belong into --mean and --std).';
}
