/** An experiment file, with the command line's settings over it, into a resolved experiment; or all its problems at once. */
import {
  type Experiment,
  type ExperimentConfig,
  type ExperimentFile,
  experimentFileSchema,
  variantConfigSchema,
} from '../../schemas/config.ts';
import { inputsOf, usesSeed } from '../../schemas/dataset-facts.ts';
import { STAGE_NAMES } from '../../schemas/stage.ts';
import { checkAttackModels } from './attack-models.ts';
import { checkTogether } from './checks.ts';
import { countVariants, type Draft, expand, MAX_VARIANTS, type Override, placeOf } from './expand.ts';
import { readOverrides } from './overrides.ts';
import { describeValue, invalidConfig, type Problem, problemsOf } from './problems.ts';
import { readYaml } from './read-yaml.ts';
import { isMapping, layOver, nest, type Settings, showPath, valueAt } from './settings.ts';
import { modelMisfits, type StartedSettings, withStartingModel } from './starting-model.ts';

/** Text of an experiment file, and what to call it in messages. */
export interface ExperimentSource {
  name: string;
  text: string;
}

const FRAME_KEYS = ['name', 'variants', 'matrix'] as const;
const frameSchema = experimentFileSchema.pick({ name: true, variants: true, matrix: true });
type Frame = Pick<ExperimentFile, 'name' | 'variants' | 'matrix'>;
/** Folders of our own below the runs directory. */
const RESERVED = new RegExp(`^(artifacts|locks|logs|(${STAGE_NAMES.join('|')})-[0-9a-f]{16})$`, 'i');

/**
 * Resolves an experiment: every default and every seed filled in, deeply frozen.
 * `settings` are texts such as `train.lambda=5`; they win over the file and its variants. A setting that the
 * matrix varies cannot be set, but the matrix can: `matrix.train.lambda=[1, 5]`.
 * Throws `CONFIG_INVALID` with one line per problem.
 */
export function loadExperiment(source: ExperimentSource, settings: readonly string[] = []): Experiment {
  const { value, problems } = readYaml(source.text);
  if (problems.length > 0) throw invalidConfig(source.name, problems);
  const written = value ?? {};
  if (!isMapping(written)) {
    const found = describeValue(written);
    throw invalidConfig(source.name, [`the whole file: expected a group of settings, found ${found}`]);
  }
  const { overrides, problems: overrideProblems } = readOverrides(settings);
  const { frame, base } = splitFrame(applyFrameOverrides(written, overrides));
  const lines = [...overrideProblems, ...frameProblems(frame)];
  const configOverrides = overrides.filter((override) => !isFrameOverride(override));
  const usable = usableFrame(frame);
  lines.push(...conflicts(usable, configOverrides));
  const drafts = expand(base, usable, configOverrides).map((draft) => ({
    ...draft,
    ...withStartingModel(draft.settings),
  }));
  lines.push(...drafts.flatMap(draftProblems));
  if (lines.length > 0) throw invalidConfig(source.name, [...new Set(lines)]);
  const variants = drafts.map(({ label, settings }) => ({ label, config: resolve(settings) }));
  return freeze({ name: usable.name, variants });
}

function splitFrame(written: Settings): { frame: Settings; base: Settings } {
  const isFrame = ([key]: [string, unknown]) => FRAME_KEYS.some((name) => name === key);
  const entries = Object.entries(written);
  return {
    frame: Object.fromEntries(entries.filter(isFrame)),
    base: Object.fromEntries(entries.filter((entry) => !isFrame(entry))),
  };
}

function isFrameOverride({ dottedPath }: Override): boolean {
  return FRAME_KEYS.some((key) => dottedPath === key || dottedPath.startsWith(`${key}.`));
}

function applyFrameOverrides(written: Settings, overrides: readonly Override[]): Settings {
  return overrides.filter(isFrameOverride).reduce<Settings>((sofar, { dottedPath, value }) => {
    const [, varied] = /^matrix\.(.+)$/.exec(dottedPath) ?? [];
    const change = varied === undefined ? nest(dottedPath, value) : { matrix: { [varied]: value } };
    return layOver(experimentFileSchema, sofar, change) as Settings;
  }, written);
}

/** Problems of the name, the labels and the shape of variants and matrix. */
function frameProblems(frame: Settings): string[] {
  const lines = problemsOf(frameSchema, frame).map((problem) => problemLine(problem));
  if (lines.length > 0) return lines;
  const { name, variants = [], matrix = {} } = frame as unknown as Frame;
  if (RESERVED.test(name)) {
    lines.push(`name: expected a name that the runs directory does not use itself, found ${name}`);
  }
  variants.forEach(({ label }, i) => {
    const first = variants.findIndex((other) => other.label === label);
    if (first === i) return;
    lines.push(`variants[${i}].label: expected a label of its own, found ${label} as in variants[${first}]`);
  });
  const count = countVariants({ variants, matrix });
  if (count > MAX_VARIANTS) {
    lines.push(`matrix: expected at most ${MAX_VARIANTS} variants in all, found ${count}`);
  }
  return lines;
}

/** What of the frame can be expanded, so that problems inside it are found together with those of the frame. */
function usableFrame({ name, variants, matrix }: Settings): Frame {
  const isUsable = ([, values]: [string, unknown]) => Array.isArray(values) && values.length > 0;
  const varied = Object.entries(isMapping(matrix) ? matrix : {}).filter(isUsable);
  const usable = {
    name: String(name),
    variants: (Array.isArray(variants) ? variants : []).map((variant) => (isMapping(variant) ? variant : {})),
    matrix: Object.fromEntries(varied),
  } as Frame;
  return countVariants(usable) > MAX_VARIANTS ? { ...usable, matrix: {} } : usable;
}

/** Settings that the matrix would silently replace, or that would silently replace the matrix. */
function conflicts({ variants = [], matrix = {} }: Frame, overrides: readonly Override[]): string[] {
  const varied = Object.keys(matrix);
  const contains = (outer: string, inner: string) => `${inner}.`.startsWith(`${outer}.`);
  const line = (place: string, path: string) =>
    `${place}: expected a setting that the matrix does not vary, found it as matrix.${path}`;
  const fromMatrix = varied.flatMap((outer) =>
    varied
      .filter((path) => path !== outer && contains(outer, path))
      .map((path) => line(`matrix.${outer}`, path)),
  );
  const fromOverrides = overrides.flatMap(({ dottedPath }) =>
    varied
      .filter((path) => contains(path, dottedPath) || contains(dottedPath, path))
      .map((path) => `${line(`--set ${dottedPath}`, path)}; use --set 'matrix.${path}=[…]'`),
  );
  const fromVariants = variants.flatMap((variant, i) =>
    varied
      .filter((path) => valueAt(variant, path.split('.')) !== undefined)
      .map((path) => line(`variants[${i}].${path}`, path)),
  );
  return [...fromMatrix, ...fromOverrides, ...fromVariants];
}

function problemLine({ path, expected, found }: Problem, place = showPath(path)): string {
  return `${place}: expected ${expected}, found ${found}`;
}

function draftProblems(draft: Draft & StartedSettings): string[] {
  const problems = [...draft.problems, ...problemsOf(variantConfigSchema, draft.settings)];
  const all = problems.length > 0 ? problems : disagreements(draft);
  return all.map((problem) => problemLine(problem, placeOf(draft.layers, problem.path)));
}

/** Of settings that are right one by one. A model that is not for such data is told before its network's misfit. */
function disagreements({ settings, model }: StartedSettings): Problem[] {
  const config = variantConfigSchema.parse(settings);
  const misfits = model === null ? [] : modelMisfits(model, config.dataset, inputsOf(config.dataset));
  return misfits.length > 0 ? misfits : [...checkTogether(config), ...checkAttackModels(config)];
}

/** Fills in the seeds that follow from the experiment's. */
function resolve(settings: unknown): ExperimentConfig {
  const config = variantConfigSchema.parse(settings);
  for (const section of [config.score, config.precompute, config.train, config.attack]) {
    section.seed ??= config.seed;
  }
  if (usesSeed(config.dataset)) config.dataset.seed ??= config.seed;
  return config;
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) freeze(inner);
    Object.freeze(value);
  }
  return value;
}
