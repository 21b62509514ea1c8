/**
 * TensorFlow's libraries, taken out of the official Python wheels: `lib/` and the few headers that the binding
 * needs, and for CUDA `nvidia/` beside it, where TensorFlow's own run path looks ($ORIGIN/../nvidia).
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { installOnce, logFile, megabytes } from './cache.mjs';
import { SetupFailure } from './failure.mjs';
import { requirePython, run, tellingLine } from './programs.mjs';

/**
 * @typedef {import('./machine.mjs').Machine} Machine
 * @typedef {import('./engine-table.mjs').Engine} Engine
 * @typedef {import('./engine-table.mjs').Wheel} Wheel
 */

/** What is taken out of a wheel, as regular expressions over member names; group 1 is the path it gets. */
const MEMBERS = {
  tensorflow: [
    String.raw`tensorflow/(libtensorflow_(?:cc|framework)\..*)`,
    String.raw`tensorflow/(include/(?:tensorflow/c|xla/tsl/c|(?:tensorflow/core|tsl)/platform)/.*\.h)`,
  ],
  nvidia: [String.raw`(nvidia/[^/]+/lib/[^/]+\.so[.0-9]*)`],
};

const UNPACK = `
import json, os, re, shutil, sys, zipfile
wheel, target, patterns = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
with zipfile.ZipFile(wheel) as archive:
    for member in archive.infolist():
        match = next((m for p in patterns for m in [re.fullmatch(p, member.filename)] if m), None)
        if match:
            path = match.group(1)
            path = os.path.join(target, 'lib', path) if path.startswith('lib') else os.path.join(target, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with archive.open(member) as source, open(path, 'wb') as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
`;

/**
 * @param {Machine} machine
 * @param {Engine} engine
 * @returns {Promise<string>} folder with `lib` and `include`
 */
export function installLibraries(machine, engine) {
  const largest = Math.max(...engine.wheels.map((wheel) => wheel.bytes));
  return installOnce(machine, `engine/${engine.name}`, engine.unpackedBytes + largest, async (folder) => {
    const python = await requirePython(machine);
    const downloads = join(folder, 'downloads');
    for (const wheel of engine.wheels) {
      await mkdir(downloads);
      const file = await download(machine, python, wheel, downloads);
      await requireChecksum(file, wheel);
      await unpack(machine, python, wheel, file, folder);
      await rm(downloads, { recursive: true });
    }
    await linkLibraryNames(machine.platform, join(folder, 'lib'));
  });
}

/**
 * @param {Machine} machine
 * @param {string} python
 * @param {Wheel} wheel
 * @param {string} folder
 * @returns {Promise<string>} path of the wheel
 */
async function download(machine, python, wheel, folder) {
  machine.say(`Downloading and unpacking ${wheel.package} ${wheel.version} (${megabytes(wheel.bytes)}) ...`);
  const log = await logFile(machine, 'pip');
  const args = ['-m', 'pip', 'download', '--no-deps', '--no-cache-dir', '--only-binary=:all:', '--no-input'];
  const { code, output } = await run(
    python,
    [...args, '--progress-bar=off', ...wheel.tags, '-d', folder, `${wheel.package}==${wheel.version}`],
    // pip downloads into TMPDIR first: that has to be where the space was checked.
    { env: { ...machine.env, TMPDIR: folder, PIP_DISABLE_PIP_VERSION_CHECK: '1' }, logFile: log },
  );
  const file = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (code === 0 && file) return join(folder, file);
  throw new SetupFailure(
    `Expected pip to download ${wheel.package} ${wheel.version}, it ended with code ${code} (${tellingLine(output)}): check the network and pip's index setting, then run the command again; its whole output is in ${log}.`,
  );
}

/**
 * @param {string} file
 * @param {Pick<Wheel, 'package' | 'version' | 'sha256'>} wheel
 */
export async function requireChecksum(file, wheel) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  const found = hash.digest('hex');
  if (found === wheel.sha256) return;
  throw new SetupFailure(
    `Expected the wheel of ${wheel.package} ${wheel.version} to have the sha256 ${wheel.sha256}, found ${found}: it is damaged or is not the official file; check pip's index setting, then run the command again.`,
  );
}

/**
 * @param {Machine} machine
 * @param {string} python
 * @param {Wheel} wheel
 * @param {string} file
 * @param {string} folder
 */
async function unpack(machine, python, wheel, file, folder) {
  const args = ['-c', UNPACK, file, folder, JSON.stringify(MEMBERS[wheel.kind])];
  const { code, output } = await run(python, args, { env: machine.env });
  if (code === 0) return;
  throw new SetupFailure(
    `Expected to unpack ${wheel.package} ${wheel.version} into ${machine.cache}, got: ${output.trim().split('\n').at(-1)}: check the disk, then run the command again.`,
  );
}

/**
 * The names under which the binding's build looks for the libraries.
 *
 * @param {string} platform
 * @param {string} lib
 */
async function linkLibraryNames(platform, lib) {
  if (platform === 'darwin') {
    await symlink('libtensorflow_cc.2.dylib', join(lib, 'libtensorflow.2.dylib'));
    return;
  }
  await symlink('libtensorflow_cc.so.2', join(lib, 'libtensorflow.so'));
  await symlink('libtensorflow_framework.so.2', join(lib, 'libtensorflow_framework.so'));
}
