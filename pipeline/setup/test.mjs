/**
 * `npm test [-- vitest arguments]`: installs what is missing, then lint and format, types, and tests. All three run,
 * so that the tests' summary always comes last; the first that fails decides the exit code.
 */
import { join } from 'node:path';
import { finish, runNode, setUp } from './entry.mjs';
import { thisMachine } from './machine.mjs';
import { installPythonPackages } from './python-packages.mjs';

const CHECKS = [
  { title: 'Lint and format (biome ci)', script: '@biomejs/biome/bin/biome', args: ['ci'] },
  { title: 'Types (tsc)', script: 'typescript/bin/tsc', args: ['-p', '.'] },
  { title: 'Tests (vitest)', script: 'vitest/vitest.mjs', args: ['run'] },
];

await finish(async () => {
  const machine = thisMachine();
  await setUp(machine);
  await installPythonPackages(machine);
  const vitestArguments = process.argv.slice(2);
  const checks = vitestArguments.length > 0 ? CHECKS.slice(-1) : CHECKS;
  let exitCode = 0;
  for (const { title, script, args } of checks) {
    machine.say(`\n${title} ...`);
    const extra = script.startsWith('vitest') ? vitestArguments : [];
    const code = await runNode(machine, [join(machine.project, 'node_modules', script), ...args, ...extra]);
    exitCode ||= code;
  }
  return exitCode;
});
