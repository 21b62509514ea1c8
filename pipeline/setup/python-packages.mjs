/** Python packages with which the tests read the files that the pipeline writes; the pipeline needs none of them. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { installOnce, logFile } from './cache.mjs';
import { SetupFailure } from './failure.mjs';
import { requirePython, run, tellingLine } from './programs.mjs';

/** @typedef {import('./machine.mjs').Machine} Machine */

/** Requirements with their versions; older Pythons get the last version that still serves them. */
const REQUIREMENTS = [
  "pyarrow==26.0.1; python_version >= '3.11'",
  "pyarrow==21.0.0; python_version < '3.11'",
  'duckdb==1.4.4',
  'tensorboard==2.20.0',
  'safetensors==0.5.3',
  "scipy==1.16.3; python_version >= '3.11'",
  "scipy==1.13.1; python_version < '3.11'",
  'pillow==11.3.0',
];

const NEEDED_BYTES = 800e6;

/**
 * Folder in the cache for these packages under this Python, whether or not it is there yet.
 *
 * @param {Machine} machine
 * @param {string} python
 */
export function pythonPackagesName({ env }, python) {
  const script = 'import sysconfig; print(sysconfig.get_config_var("SOABI") or sysconfig.get_platform())';
  const abi = execFileSync(python, ['-c', script], { env, encoding: 'utf8' }).trim();
  const key = createHash('sha256').update(REQUIREMENTS.join('\n')).digest('hex').slice(0, 12);
  return `python/${abi}-${key}`;
}

/**
 * @param {Machine} machine
 * @returns {Promise<string>} folder for PYTHONPATH
 */
export async function installPythonPackages(machine) {
  const python = await requirePython(machine);
  const name = pythonPackagesName(machine, python);
  return installOnce(machine, name, NEEDED_BYTES, async (folder) => {
    machine.say('Installing the Python packages that the tests read our files with ...');
    await pipInstall(machine, python, folder, REQUIREMENTS, 'python');
  });
}

/**
 * Puts packages into a folder for PYTHONPATH.
 *
 * @param {Machine} machine
 * @param {string} python
 * @param {string} folder
 * @param {string[]} requirements
 * @param {string} logName
 */
export async function pipInstall(machine, python, folder, requirements, logName) {
  const log = await logFile(machine, logName);
  const quiet = ['--no-input', '--progress-bar=off'];
  const args = ['-m', 'pip', 'install', '--no-cache-dir', '--only-binary=:all:', '--no-compile', ...quiet];
  const { code, output } = await run(python, [...args, '--target', folder, ...requirements], {
    env: { ...machine.env, PIP_DISABLE_PIP_VERSION_CHECK: '1', PIP_ROOT_USER_ACTION: 'ignore' },
    logFile: log,
  });
  if (code === 0) return;
  throw new SetupFailure(
    `Expected pip to install ${requirements.map((line) => line.split(';')[0]).join(', ')}, it ended with code ${code} (${tellingLine(output)}): check the network and pip's index setting, then run the command again; its whole output is in ${log}.`,
  );
}
