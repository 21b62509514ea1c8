/** `pipeline schema`: the JSON Schema of experiment files, for editors, or of results, for programs that read them. */
import { closest } from 'fastest-levenshtein';
import * as z from 'zod';
import { attackSummarySchema } from '../../schemas/attack-results.ts';
import { PipelineError } from '../../schemas/errors.ts';
import { jsonSchema } from '../config/json-schema.ts';
import type { World } from '../world.ts';

const SCHEMAS: Record<string, () => unknown> = {
  experiment: jsonSchema,
  'attack.json': () => ({ ...z.toJSONSchema(attackSummarySchema), title: 'attack.json' }),
};

export async function schemaCommand(
  { of = 'experiment' }: { of?: string | undefined },
  world: World,
): Promise<void> {
  const names = Object.keys(SCHEMAS);
  const make = Object.hasOwn(SCHEMAS, of) ? SCHEMAS[of] : undefined;
  if (make === undefined) {
    throw new PipelineError(
      'USAGE',
      `Expected ${names.join(' or ')} after schema, got "${of}"; did you mean ${closest(of, names)}?`,
    );
  }
  world.stdout.write(`${JSON.stringify(make(), null, 2)}\n`);
}
