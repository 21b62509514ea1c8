/** The experiment file's schema in the form that editors understand, made from the one that validates. */
import * as z from 'zod';
import { experimentFileSchema } from '../../schemas/config.ts';
import type { Json } from '../../schemas/stage.ts';
import { isMapping, type Settings } from './settings.ts';

/** JSON Schema (2020-12) of an experiment file as it is written, with meanings, units and defaults. */
export function jsonSchema(): Json {
  const schema = z.toJSONSchema(experimentFileSchema, { io: 'input' }) as unknown as Settings;
  const { name, variants, matrix, ...base } = schema.properties as Settings;
  const partial = withoutRequired(base) as Settings;
  const label = { type: 'string', minLength: 1, description: 'names the variant in the report' };
  const items = {
    type: 'object',
    description: 'a label, and any settings that differ from those above',
    properties: { label, ...partial },
    required: ['label'],
    additionalProperties: false,
  };
  return {
    ...schema,
    title: 'Experiment of the pipeline',
    properties: { name: name!, ...base, variants: { ...(variants as Settings), items }, matrix: matrix! },
  };
}

/** A variant gives only what differs, so nothing inside it is required. */
function withoutRequired(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(withoutRequired);
  if (!isMapping(schema)) return schema;
  const entries = Object.entries(schema).filter(
    ([key, value]) => key !== 'required' || !Array.isArray(value),
  );
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutRequired(value)]));
}
