import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { installPythonPackages } from '../../../pipeline/setup/python-packages.mjs';
import { environment, machineForTests } from './machine-for-tests.ts';

test('Python packages that pip cannot get', async () => {
  const machine = machineForTests({ env: environment({ PIP_NO_INDEX: '1', PIP_FIND_LINKS: undefined }) });
  await expect(installPythonPackages(machine)).rejects.toThrow(
    new RegExp(
      `^Expected pip to install pyarrow==[0-9.]+(, [a-z]+==[0-9.]+)+, it ended with code 1 \\(ERROR: Could not find a version that satisfies the requirement pyarrow==[0-9.]+ \\(from versions: none\\)\\): check the network and pip's index setting, then run the command again; its whole output is in ${machine.cache}/logs/python-[^ ]*\\.log\\.$`,
    ),
  );
  expect(readdirSync(join(machine.cache, 'unfinished'))).toEqual([]);
});
