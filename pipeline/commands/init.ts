/** `pipeline init PRESET [file]`: an experiment file to change, with the schema that lets editors help. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PipelineError } from '../../schemas/errors.ts';
import { makeDirectory, writeFileAtomic } from '../../store/atomic-file.ts';
import { jsonSchema } from '../config/json-schema.ts';
import { DEFAULT_FILE, presetNames, readPreset } from '../config/source.ts';
import type { World } from '../world.ts';

const SCHEMA_FILE = 'pipeline.schema.json';

export interface InitArguments {
  preset?: string | undefined;
  file?: string | undefined;
}

export async function initCommand(args: InitArguments, world: World): Promise<void> {
  if (args.preset === undefined) {
    throw new PipelineError(
      'USAGE',
      `Expected the name of a preset (${presetNames().join(', ')}) after init, found none; for example: pipeline init usps.`,
    );
  }
  const { text } = readPreset(args.preset);
  const file = args.file ?? DEFAULT_FILE;
  if (existsSync(file)) {
    throw new PipelineError(
      'USAGE',
      `Expected to write a new file ${file}, found one there already; name another: pipeline init ${args.preset} FILE.`,
    );
  }
  await makeDirectory(dirname(file));
  const schema = `${JSON.stringify(jsonSchema(), null, 2)}\n`;
  await writeFileAtomic(join(dirname(file), SCHEMA_FILE), schema);
  await writeFileAtomic(file, `# yaml-language-server: $schema=${SCHEMA_FILE}\n${text}`);
  const option = file === DEFAULT_FILE ? '' : ` --config ${file}`;
  world.stdout.write(`Wrote ${file}. Change it, then: pipeline run${option}\n`);
}
