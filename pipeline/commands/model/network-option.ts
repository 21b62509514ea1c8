/** `--network` and `--preconditioning`: settings written out, or in a file of their own. */
import type * as z from 'zod';
import { describeValue, invalidConfig, problemsOf } from '../../config/problems.ts';
import { readYaml } from '../../config/read-yaml.ts';
import { isMapping, type Settings, showPath } from '../../config/settings.ts';
import { readOptionFile } from './option-file.ts';

const FORMS = "YAML in braces ('{kind: resnet18}') or as a file";

/** The settings, before they are validated, and how messages name where they stand. */
export interface NetworkText {
  source: string;
  section: Settings;
}

/**
 * @param text YAML in braces, or a YAML or JSON file that holds the settings, or has them under the option's name.
 *   Throws `CONFIG_INVALID` with one line per problem.
 */
export function readNetworkText(option: '--network' | '--preconditioning', text: string): NetworkText {
  const isInline = text.trimStart().startsWith('{');
  const source = isInline ? `${option} ${text}` : text;
  const { value, problems } = readYaml(isInline ? text : readOptionFile(option, text, FORMS));
  if (problems.length > 0) throw invalidConfig(source, problems);
  const key = option.slice(2);
  const section = isMapping(value) && !('kind' in value) && key in value ? value[key]! : value;
  if (isMapping(section)) return { source, section };
  throw invalidConfig(source, [`expected the settings of a ${key}, found ${describeValue(section)}`]);
}

/** The settings by their schema. Throws `CONFIG_INVALID` with one line per problem. */
export function parseNetwork<Schema extends z.ZodType>(
  { source, section }: NetworkText,
  schema: Schema,
): z.infer<Schema> {
  const wrong = problemsOf(schema, section);
  if (wrong.length === 0) return schema.parse(section);
  const line = ({ path, expected, found }: (typeof wrong)[number]) =>
    `${showPath(path)}: expected ${expected}, found ${found}`;
  throw invalidConfig(source, wrong.map(line));
}
