/** `--map`: what the tensors and modules of a network are called in a file of weights. */
import { closest } from 'fastest-levenshtein';
import { PipelineError } from '../../../schemas/errors.ts';
import { describeValue } from '../../config/problems.ts';
import { readYaml } from '../../config/read-yaml.ts';
import { isMapping } from '../../config/settings.ts';
import { readOptionFile } from './option-file.ts';

/**
 * @param path YAML or JSON `{ours: theirs}`, in which `*` stands for one part of a name
 * @param ours names of all tensors of the network; each key must fit some of them, else `CONFIG_INVALID`
 */
export function readNameMap(path: string, ours: readonly string[]): Record<string, string> {
  const { value, problems } = readYaml(readOptionFile('--map', path, 'a file {ours: theirs}'));
  if (problems.length > 0) throw invalid(path, problems);
  if (!isMapping(value)) {
    throw invalid(path, [`expected our names with theirs ({"linear": "fc"}), found ${describeValue(value)}`]);
  }
  const lines = Object.entries(value).flatMap(([key, theirs]) => problemOf(key, theirs, ours));
  if (lines.length > 0) throw invalid(path, lines);
  return value as Record<string, string>;
}

function problemOf(key: string, theirs: unknown, ours: readonly string[]): string[] {
  if (typeof theirs !== 'string') {
    return [`${key}: expected the name in the file, found ${describeValue(theirs)}`];
  }
  if (!ours.some((name) => fits(key, name))) {
    const nearest = closest(key, [...new Set(ours.flatMap(modulesAndSelf))]);
    return [`${key}: expected a tensor or module of the network, found none; the nearest is ${nearest}`];
  }
  if (starsIn(key) === starsIn(theirs)) return [];
  return [`${key}: expected as many * in the name in the file, found ${theirs}`];
}

function fits(pattern: string, name: string): boolean {
  const parts = name.split('.');
  return pattern.split('.').every((piece, i) => parts[i] !== undefined && [parts[i], '*'].includes(piece));
}

/** `layer1.bn1.weight` -> `layer1`, `layer1.bn1`, `layer1.bn1.weight`. */
function modulesAndSelf(name: string): string[] {
  const parts = name.split('.');
  return parts.map((_, i) => parts.slice(0, i + 1).join('.'));
}

function starsIn(name: string): number {
  return name.split('.').filter((part) => part === '*').length;
}

function invalid(path: string, lines: readonly string[]): PipelineError {
  const count = lines.length === 1 ? '1 problem' : `${lines.length} problems`;
  const list = lines.map((line) => `  ${line}`).join('\n');
  return new PipelineError(
    'CONFIG_INVALID',
    `${path} has ${count}:\n${list}\nCorrect them and run the same command again; \`pipeline model show FILE\` lists the names in a file of weights.`,
  );
}
