/** Which class of a model each class of a data set is: by name, for a model may order them otherwise or know others. */
import { numberedClasses } from '../../schemas/dataset.ts';
import { PipelineError } from '../../schemas/errors.ts';

/** Class names with who has them, for messages. */
export interface NamedClasses {
  owner: string;
  classNames: readonly string[];
}

/** A class that the model does not know. */
export const UNKNOWN = -1;

/**
 * Class of the model for each class of the data, or {@link UNKNOWN}. Classes that are merely numbered stand for
 * themselves.
 *
 * @throws PipelineError `CONFIG_INVALID` where no name is common, or numbered classes are not as many
 */
export function matchClasses(data: NamedClasses, model: NamedClasses): number[] {
  const [wanted, known] = [data.classNames, model.classNames];
  if (isNumbered(wanted) || isNumbered(known)) {
    if (wanted.length === known.length) return [...wanted.keys()];
    throw misfit(data, model, 'those of one are only numbered, which cannot be matched');
  }
  const matched = wanted.map((name) => known.indexOf(name));
  if (matched.some((index) => index !== UNKNOWN)) return matched;
  throw misfit(data, model, `no name is common (${first(wanted)} and ${first(known)})`);
}

function isNumbered(names: readonly string[]): boolean {
  return names.join('\n') === numberedClasses(names.length).join('\n');
}

function first(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')}, …` : names.join(', ');
}

function misfit(data: NamedClasses, model: NamedClasses, reason: string): PipelineError {
  return new PipelineError(
    'CONFIG_INVALID',
    `Expected ${model.owner} and ${data.owner} to have classes in common, found ${model.classNames.length} and ${data.classNames.length} of them: ${reason}; choose a model of these data, or name the classes of the data set as the model does.`,
  );
}
