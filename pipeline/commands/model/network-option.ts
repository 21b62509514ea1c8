/** `--network`: the section `network` of an experiment file, written out or in a file of its own. */
import { type ClassifierConfig, classifierSchema } from '../../../schemas/network-config.ts';
import { describeValue, invalidConfig, problemsOf } from '../../config/problems.ts';
import { readYaml } from '../../config/read-yaml.ts';
import { isMapping, showPath } from '../../config/settings.ts';
import { readOptionFile } from './option-file.ts';

const FORMS = "YAML in braces ('{kind: resnet18}') or as a file";

/**
 * @param text YAML in braces, or a YAML or JSON file that holds the network, or has it under `network`. Throws
 *   `CONFIG_INVALID` with one line per problem.
 */
export function parseNetwork(text: string): ClassifierConfig {
  const isInline = text.trimStart().startsWith('{');
  const source = isInline ? `--network ${text}` : text;
  const { value, problems } = readYaml(isInline ? text : readOptionFile('--network', text, FORMS));
  if (problems.length > 0) throw invalidConfig(source, problems);
  const section = isMapping(value) && !('kind' in value) && 'network' in value ? value.network! : value;
  if (!isMapping(section)) {
    const found = describeValue(section);
    throw invalidConfig(source, [`expected the settings of a network, found ${found}`]);
  }
  const wrong = problemsOf(classifierSchema, section);
  if (wrong.length > 0) {
    const line = ({ path, expected, found }: (typeof wrong)[number]) =>
      `${showPath(path)}: expected ${expected}, found ${found}`;
    throw invalidConfig(source, wrong.map(line));
  }
  return classifierSchema.parse(section);
}
