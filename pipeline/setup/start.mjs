/** `npm start [-- PRESET] [flags]`: installs what is missing, then runs a preset (default: usps). */
import { join } from 'node:path';
import { finish, runNode, setUp } from './entry.mjs';
import { thisMachine } from './machine.mjs';

const DEFAULT_PRESET = 'usps';

await finish(async () => {
  const machine = thisMachine();
  await setUp(machine);
  const [first, ...rest] = process.argv.slice(2);
  const isPreset = first !== undefined && !first.startsWith('-');
  const preset = isPreset ? first : DEFAULT_PRESET;
  const flags = isPreset || first === undefined ? rest : [first, ...rest];
  return runNode(machine, [join(machine.project, 'pipeline/bin.mjs'), 'run', '--preset', preset, ...flags]);
});
