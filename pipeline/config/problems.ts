/** Problems of an experiment file in plain words: where, what was expected, what was found. */
import { closest } from 'fastest-levenshtein';
import * as z from 'zod';
import { PipelineError } from '../../schemas/errors.ts';
import { allPaths, knownKeys, schemaAt } from './schema-tree.ts';
import { isMapping, type Path, showPath, valueAt } from './settings.ts';

export interface Problem {
  /** Where in the settings; the place in the file is found from it. */
  path: Path;
  expected: string;
  found: string;
}

/** Everything that is wrong with a value according to a schema, with the nearest name for unknown settings. */
export function problemsOf(schema: z.core.$ZodType, value: unknown): Problem[] {
  const result = z.safeParse(schema, value);
  return result.success ? [] : result.error.issues.flatMap((issue) => fromIssue(schema, value, issue));
}

function fromIssue(schema: z.core.$ZodType, root: unknown, issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownSetting(schema, root, path, key));
  }
  const inner = issue.code === 'invalid_union' ? problemsInside(issue) : undefined;
  if (inner !== undefined) {
    return inner.flatMap((problem) =>
      fromIssue(schema, root, { ...problem, path: [...issue.path, ...problem.path] }),
    );
  }
  return [{ path, expected: expectation(issue), found: describeValue(valueAt(root, path)) }];
}

/** The issues of the one form that a value has in outline, where it may have several and fits none. */
function problemsInside({ errors }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] | undefined {
  const isInside = ({ code, path }: z.core.$ZodIssue) => path.length > 0 || code === 'unrecognized_keys';
  const outlined = errors.filter((issues) => issues.every(isInside));
  return outlined.length === 1 ? outlined[0] : undefined;
}

function unknownSetting(schema: z.core.$ZodType, root: unknown, path: Path, key: string): Problem {
  const section = valueAt(root, path);
  const kind = isMapping(section) ? section.kind : undefined;
  const known = knownKeys(schemaAt(schema, path), kind);
  const elsewhere = allPaths(schema).filter((dotted) => dotted.endsWith(`.${key}`));
  // A setting that is written out of its section is more likely than a slip of the pen.
  const nearest = elsewhere.length > 0 ? elsewhere.join(' or ') : showPath([...path, closest(key, known)]);
  return {
    path: [...path, key],
    expected: 'the name of a setting',
    found: `an unknown one; the nearest is ${nearest}`,
  };
}

const TYPE_WORDS: Record<string, string> = {
  number: 'a number',
  int: 'a whole number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of settings',
  record: 'a group of settings',
};

/** What a validation issue asks for. */
function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPE_WORDS[issue.expected] ?? issue.expected;
    case 'too_small':
      if (issue.exact) return `a list of ${issue.minimum}`;
      return bound(issue.origin, issue.inclusive === false ? '>' : '>=', issue.minimum);
    case 'too_big':
      if (issue.exact) return `a list of ${issue.maximum}`;
      return bound(issue.origin, issue.inclusive === false ? '<' : '<=', issue.maximum);
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    case 'invalid_value':
      return oneOf(issue.values);
    case 'invalid_union':
      return unionExpectation(issue);
    default:
      return issue.message.replace(/^expected /, '');
  }
}

function bound(origin: string, sign: string, limit: number | bigint): string {
  if (origin === 'array') return limit === 1 ? 'a list that is not empty' : `a list of at least ${limit}`;
  return origin === 'string' ? 'a text that is not empty' : `a number ${sign} ${limit}`;
}

function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`;
}

function unionExpectation(issue: z.core.$ZodIssueInvalidUnion): string {
  const options = (issue as { options?: unknown[] }).options;
  if (options !== undefined) return oneOf(options);
  return [...new Set(issue.errors.flat().map(expectation))].join(' or ');
}

/** A value as a person would name it. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return `the text ${JSON.stringify(value)}`;
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  return isMapping(value) ? 'a group of settings' : String(value);
}

/** One error for all the problems of an experiment file; `lines` are `place: expected …, found …`. */
export function invalidConfig(source: string, lines: readonly string[]): PipelineError {
  const count = lines.length === 1 ? '1 problem' : `${lines.length} problems`;
  const list = lines.map((line) => `  ${line}`).join('\n');
  return new PipelineError(
    'CONFIG_INVALID',
    `${source} has ${count}:\n${list}\nCorrect them and run the same command again; \`pipeline schema\` prints every setting.`,
  );
}
