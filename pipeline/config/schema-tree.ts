/** Questions about the configuration schema: which settings exist at a place. */
import * as z from 'zod';
import type { Json } from '../../schemas/stage.ts';

type Schema = z.core.$ZodType;

/** The schema without defaults and optionality. */
function bare(schema: Schema): Schema {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) {
    inner = inner.def.innerType;
  }
  return inner;
}

/** Whether the section comes in several kinds, told apart by a setting. */
export function isDiscriminatedUnion(schema: Schema): boolean {
  const inner = bare(schema);
  if (inner instanceof z.ZodDiscriminatedUnion) return true;
  return inner instanceof z.ZodUnion && inner.options.some(isDiscriminatedUnion);
}

/** What a setting is when the file leaves it out, as it would be written, or undefined where it must be given. */
export function defaultOf(schema: Schema | undefined): Json | undefined {
  const hasDefault = schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault;
  return hasDefault ? (schema.def.defaultValue as Json) : undefined;
}

/** The objects that may stand at this place: one, or one per kind. */
function objectsOf(schema: Schema): z.ZodObject[] {
  const inner = bare(schema);
  if (inner instanceof z.ZodObject) return [inner];
  return inner instanceof z.ZodUnion ? inner.options.flatMap(objectsOf) : [];
}

/** Schema of a setting below this one, or undefined where there is none. */
export function childSchema(schema: Schema | undefined, key: string | number): Schema | undefined {
  if (schema === undefined) return undefined;
  const inner = bare(schema);
  if (inner instanceof z.ZodArray) return inner.element;
  return objectsOf(inner).find((object) => Object.hasOwn(object.shape, key))?.shape[key];
}

/** Schema at a path, or undefined where there is none. */
export function schemaAt(schema: Schema, path: readonly (string | number)[]): Schema | undefined {
  return path.reduce<Schema | undefined>(childSchema, schema);
}

/** Names of the settings at a place; where it comes in kinds, those of the given kind, or of all. */
export function knownKeys(schema: Schema | undefined, kind?: unknown): string[] {
  if (schema === undefined) return [];
  const objects = objectsOf(schema);
  const ofKind = objects.filter((object) => {
    const literal = object.shape.kind;
    return literal instanceof z.ZodLiteral && literal.values.has(kind as string);
  });
  return [...new Set((ofKind.length > 0 ? ofKind : objects).flatMap((object) => Object.keys(object.shape)))];
}

/** Dotted paths of all settings below a schema, lists excepted. */
export function allPaths(schema: Schema): string[] {
  return objectsOf(schema).flatMap((object) =>
    Object.entries(object.shape).flatMap(([key, inner]) => [
      key,
      ...allPaths(inner).map((below) => `${key}.${below}`),
    ]),
  );
}
