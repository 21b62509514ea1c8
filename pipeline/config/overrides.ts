/** Settings of the command line, `--set train.lambda=5`. */
import type { Override } from './expand.ts';
import { readYaml } from './read-yaml.ts';

/** Splits each text at its first `=`; the value is read as YAML. Problems come back as lines. */
export function readOverrides(settings: readonly string[]): { overrides: Override[]; problems: string[] } {
  const overrides: Override[] = [];
  const problems: string[] = [];
  for (const text of settings) {
    const [, dottedPath, written] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (dottedPath === undefined || written === undefined) {
      problems.push(`--set ${text}: expected SETTING=VALUE, found no "=" after a name`);
      continue;
    }
    const { value, problems: mistakes } = readYaml(written);
    problems.push(
      ...mistakes.map((mistake) => `--set ${dottedPath}: expected a YAML value, found ${mistake}`),
    );
    if (mistakes.length === 0) overrides.push({ dottedPath: dottedPath.trim(), value });
  }
  return { overrides, problems };
}
