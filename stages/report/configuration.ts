/** What the figures were made with: differing settings, the whole configuration, data and artifact keys. */
import { stringify } from 'yaml';
import { type Json, STAGE_NAMES } from '../../schemas/stage.ts';
import { settingsInUse } from '../../schemas/train-methods.ts';
import { grouped } from '../numerics/analyses/figure-text.ts';
import type { Numbering } from './figure.ts';
import { type Markup, markup } from './markup.ts';
import type { ReportData, VariantData } from './report-data.ts';
import { table } from './table.ts';

/** Differences first, then keys, then everything. */
export function configurationSection({ variants }: ReportData, numbers: Numbering): Markup {
  return markup`${differenceTable(variants, numbers)}
${keyTable(variants, numbers)}
<h3>Whole configuration</h3>
${variants.map(
  ({ label, config }) =>
    markup`<details><summary>${label}</summary><pre tabindex="0">${stringify(config, { lineWidth: 100 })}</pre></details>
`,
)}`;
}

function differenceTable(variants: VariantData[], numbers: Numbering): Markup {
  const rows = differences(variants.map(({ config }) => config as unknown as Json));
  if (rows.length === 0)
    return markup`<p>${variants.length > 1 ? 'All variants have the same configuration.' : 'One variant.'}</p>`;
  const caption = markup`<b>Table ${numbers.table()}.</b> Settings in which the variants differ; all others are equal. A dash: the variant’s training method does not read the setting.`;
  return table(
    [{ name: 'variant' }, ...rows.map(({ path }) => ({ name: path }))],
    variants.map(({ label, config }, i) => [
      label,
      ...rows.map(({ path, values }) => (isRead(config, path) ? (values[i] ?? '–') : '–')),
    ]),
    caption,
  );
}

/** Whether a setting has a part in the variant's training or in what comes after it. */
function isRead({ train }: VariantData['config'], path: string): boolean {
  const [section, setting] = path.split('.') as [string, string];
  if (section === 'score' || section === 'precompute') return train.method === 'pag';
  return section !== 'train' || setting in settingsInUse(train);
}

/** Dotted settings that are not the same in all configurations, in the order in which they occur. */
export function differences(configs: Json[]): { path: string; values: (string | null)[] }[] {
  const flat = configs.map((config) => flatten(config));
  const paths = [...new Set(flat.flatMap((settings) => [...settings.keys()]))];
  return paths
    .map((path) => ({ path, values: flat.map((settings) => settings.get(path) ?? null) }))
    .filter(({ values }) => new Set(values).size > 1);
}

/** Dotted path -> value as text; lists are values. */
function flatten(value: Json, path = '', into = new Map<string, string>()): Map<string, string> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    into.set(path, typeof value === 'string' ? value : JSON.stringify(value));
    return into;
  }
  for (const [key, inner] of Object.entries(value)) {
    if (inner !== undefined) flatten(inner, path === '' ? key : `${path}.${key}`, into);
  }
  return into;
}

function keyTable(variants: VariantData[], numbers: Numbering): Markup {
  const stages = STAGE_NAMES.filter((stage) =>
    variants.some(({ keys }) => keys.some((entry) => entry.stage === stage)),
  );
  const rows = variants.map(({ label, keys }) => [
    label,
    ...stages.map((stage) => {
      const entry = keys.find((candidate) => candidate.stage === stage);
      return entry === undefined ? '–' : markup`<code>${entry.key}</code>`;
    }),
  ]);
  const caption = markup`<b>Table ${numbers.table()}.</b> Keys of the artifacts that the figures were read from. The same key means the same code, configuration and inputs.`;
  return table([{ name: 'variant' }, ...stages.map((name) => ({ name }))], rows, caption);
}

/** What the data is and where it comes from. */
export function dataSection({ variants }: ReportData): Markup {
  const sets = [...new Map(variants.map(({ dataset }) => [JSON.stringify(dataset), dataset])).values()];
  return markup`${sets.map(
    (
      set,
    ) => markup`<p><b>${set.name}</b>: ${grouped(set.trainCount)} training and ${grouped(set.testCount)} test ${set.shape.length === 3 ? 'images' : 'points'} of shape ${set.shape.join(' × ')}, ${set.classNames.length} classes${set.box === null ? ', values without bounds' : `, values in [${set.box.join(', ')}]`}. ${set.provenance}</p>
${
  set.sources.length === 0
    ? null
    : markup`<ul>${set.sources.map((source) => markup`<li><code>${source.name}</code>, ${grouped(source.bytes)} bytes, sha256 <code>${source.sha256}</code></li>`)}</ul>`
}`,
  )}`;
}
