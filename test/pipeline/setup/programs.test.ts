import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  findProgram,
  requireCompiler,
  requireNode,
  requireNpm,
  requirePython,
  run,
  tellingLine,
} from '../../../pipeline/setup/programs.mjs';
import { environment, machineForTests, temporaryFolder } from './machine-for-tests.ts';

/** A PATH that leads to these real programs and nothing else. */
function pathWith(...names: string[]): NodeJS.ProcessEnv {
  const folder = temporaryFolder();
  for (const name of names) symlinkSync(findProgram([name], process.env) ?? name, join(folder, name));
  return environment({ PATH: folder, CXX: undefined, npm_execpath: undefined });
}

describe('programs', () => {
  test('the first name wins over the first folder, and folders and plain files do not count', () => {
    const [one, two] = [temporaryFolder(), temporaryFolder()];
    mkdirSync(join(one, 'tool'));
    writeFileSync(join(one, 'other'), '', { mode: 0o644 });
    writeFileSync(join(two, 'tool'), '', { mode: 0o755 });
    writeFileSync(join(two, 'other'), '', { mode: 0o755 });
    expect(findProgram(['absent', 'tool', 'other'], { PATH: `${one}:${two}` })).toBe(join(two, 'tool'));
    expect(findProgram([join(two, 'other')], { PATH: '' })).toBe(join(two, 'other'));
    expect(findProgram(['tool'], { PATH: one })).toBeNull();
  });

  test('output of both streams comes back, with the exit code', async () => {
    const script = 'process.stdout.write("out"); process.stderr.write("err"); process.exitCode = 3';
    const { code, output } = await run(process.execPath, ['-e', script], { env: process.env });
    expect(code).toBe(3);
    expect(output).toContain('out');
    expect(output).toContain('err');
  });

  test('the log file stays where the program failed, and only there', async () => {
    const [good, bad] = ['good', 'bad'].map((name) => join(temporaryFolder(), name)) as [string, string];
    await run(process.execPath, ['-e', ''], { env: process.env, logFile: good });
    await run(process.execPath, ['-e', 'console.log("why"); process.exit(1)'], {
      env: process.env,
      logFile: bad,
    });
    expect(existsSync(good)).toBe(false);
    expect(readFileSync(bad, 'utf8')).toBe('why\n');
  });

  test('a log file that cannot be written hides nothing', async () => {
    const script = 'console.log("why"); process.exit(1)';
    const answer = await run(process.execPath, ['-e', script], { env: process.env, logFile: '/nowhere/log' });
    expect(answer).toEqual({ code: 1, output: 'why\n' });
  });

  test('a program that cannot be started ends with 127', async () => {
    const { code, output } = await run('/nowhere/tool', [], { env: process.env });
    expect(code).toBe(127);
    expect(output).toBe('spawn /nowhere/tool ENOENT');
  });

  test('the line that names an error says most', () => {
    expect(tellingLine('begin\nfatal error: x.h: No such file\nmake: stopped\n')).toBe(
      'fatal error: x.h: No such file',
    );
    expect(tellingLine('one\ntwo\n')).toBe('two');
    expect(tellingLine('')).toBe('no output');
  });
});

describe('missing prerequisites are named, with the way to get them', () => {
  test('an old Node', () => {
    expect(() => requireNode(machineForTests({ nodeVersion: '18.20.4' }))).toThrow(
      /^Expected Node\.js 20 or newer, found 18\.20\.4: install a newer one from https:\/\/nodejs\.org\.$/,
    );
    expect(() => requireNode(machineForTests())).not.toThrow();
  });

  test('no npm', () => {
    expect(() => requireNpm(machineForTests({ env: pathWith() }))).toThrow(
      /^Expected the program `npm` on the PATH, found none: install it \(it comes with Node\.js from https:\/\/nodejs\.org; Debian and Ubuntu: `apt install npm`\)\.$/,
    );
  });

  test('no Python', async () => {
    await expect(requirePython(machineForTests({ env: pathWith() }))).rejects.toThrow(
      /^Expected the program `python3` on the PATH, found none: install Python 3 with pip \(Debian and Ubuntu: `apt install python3 python3-pip`; Fedora: `dnf install python3 python3-pip`; macOS: `xcode-select --install`\)\.$/,
    );
  });

  test('a Python without pip', async () => {
    const folder = temporaryFolder();
    execFileSync('python3', ['-m', 'venv', '--without-pip', folder]);
    const env = environment({ PATH: join(folder, 'bin'), PYTHONPATH: undefined });
    await expect(requirePython(machineForTests({ env }))).rejects.toThrow(
      `Expected Python's pip, but ${folder}/bin/python3 has none: install it (Debian and Ubuntu: \`apt install python3-pip\`; Fedora: \`dnf install python3-pip\`; elsewhere: \`python3 -m ensurepip --user\`).`,
    );
  });

  test.each([
    { there: ['make'], missing: 'a C++ compiler (`g++`, `c++` or `clang++`)' },
    { there: ['g++'], missing: '`make`' },
    { there: [], missing: 'a C++ compiler (`g++`, `c++` or `clang++`) and `make`' },
  ])('no $missing', ({ there, missing }) => {
    expect(() => requireCompiler(machineForTests({ env: pathWith(...there) }))).toThrow(
      `Expected a C++ compiler and \`make\` on the PATH to build the TensorFlow binding, did not find ${missing}: install them (Debian and Ubuntu: \`apt install g++ make\`; Fedora: \`dnf install gcc-c++ make\`; macOS: \`xcode-select --install\`).`,
    );
  });
});
