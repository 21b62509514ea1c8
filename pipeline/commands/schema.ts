/** `pipeline schema`: the JSON Schema of experiment files, for editors. */
import { jsonSchema } from '../config/json-schema.ts';
import type { World } from '../world.ts';

export async function schemaCommand(_args: object, world: World): Promise<void> {
  world.stdout.write(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
}
