import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { thisMachine } from '../../../pipeline/setup/machine.mjs';
import { run } from '../../../pipeline/setup/programs.mjs';
import { environment } from './machine-for-tests.ts';

const { project } = thisMachine();

describe('npm start and npm test', () => {
  test.each(['start', 'test'])(
    '%s: a set-up that fails ends with its sentence, exit code 1 and no stack',
    async (name) => {
      const env = environment({ PAG_ENGINE: 'abacus' });
      const { code, output } = await run(process.execPath, [join(project, `pipeline/setup/${name}.mjs`)], {
        env,
      });
      expect(code).toBe(1);
      expect(output).toBe(
        'Expected the environment variable PAG_ENGINE to be `cpu` or `cuda`, found `abacus`: set it to one of these, or unset it for `cpu`.\n',
      );
    },
  );
});

describe('runNode', () => {
  /** Starts a program that runs `script` by runNode and takes over its exit code. */
  function startRunner(script: string) {
    const setup = pathToFileURL(join(project, 'pipeline/setup/')).href;
    const runner = `
      import { finish, runNode } from '${setup}entry.mjs';
      import { thisMachine } from '${setup}machine.mjs';
      await finish(() => runNode(thisMachine(), ['-e', process.argv[1]]));`;
    return spawn(process.execPath, ['--input-type=module', '-e', runner, script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  }

  test('passes the exit code on', async () => {
    const [code] = await once(startRunner('process.exitCode = 7'), 'close');
    expect(code).toBe(7);
  });

  test('a child that a signal ended gives 128 + its number', async () => {
    const [code] = await once(startRunner('process.kill(process.pid, "SIGKILL")'), 'close');
    expect(code).toBe(137);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s reaches the child, which ends in its own way',
    async (signal) => {
      const child = startRunner(
        `process.on('${signal}', () => { console.log('stopping'); process.exit(5); }); console.log('ready'); setTimeout(() => {}, 60000)`,
      );
      let output = '';
      child.stdout.on('data', (chunk) => {
        output += chunk;
        if (output === 'ready\n') child.kill(signal);
      });
      const [code] = await once(child, 'close');
      expect(code).toBe(5);
      expect(output).toBe('ready\nstopping\n');
    },
  );
});
