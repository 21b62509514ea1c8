/** The official AutoAttack: the folder that is named, or a checkout in the user's cache. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installOnce } from '../../pipeline/setup/cache.mjs';
import { SetupFailure } from '../../pipeline/setup/failure.mjs';
import { thisMachine } from '../../pipeline/setup/machine.mjs';

const REPOSITORY = 'https://github.com/fra31/auto-attack';
/** The state that the figures in bench/README.md were measured with. */
const COMMIT = 'a39220048b3c9f2cca9a4d3a54604793c68eca7e';
const CACHED = 'bench/auto-attack';
const NEEDED_BYTES = 50e6;

/**
 * @param named a checkout; from the cache if left out
 * @param install whether to fill the cache where it is empty
 * @returns the folder that holds the package `autoattack`
 */
export async function findOfficialCode(named: string | undefined, install: boolean): Promise<string> {
  if (named !== undefined) return check(named);
  const machine = thisMachine();
  const folder = join(machine.cache, CACHED);
  if (!existsSync(folder)) {
    if (!install) {
      throw new SetupFailure(
        `Expected a checkout of the official AutoAttack to compare with, found none: name one with --autoattack (${REPOSITORY}), or add --install to put it into the cache with git.`,
      );
    }
    await installOnce(machine, CACHED, NEEDED_BYTES, async (unfinished) => {
      machine.say('Fetching the official AutoAttack ...');
      git(['init', '--quiet', unfinished]);
      git(['-C', unfinished, 'fetch', '--quiet', '--depth', '1', REPOSITORY, COMMIT]);
      git(['-C', unfinished, 'checkout', '--quiet', 'FETCH_HEAD']);
    });
  }
  return check(folder);
}

function git(words: string[]): void {
  try {
    execFileSync('git', words, { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? (error as Error).message;
    throw new SetupFailure(
      `Expected git to fetch ${REPOSITORY}, it could not (${said}): fetch it by hand and name its folder with --autoattack.`,
    );
  }
}

function check(folder: string): string {
  if (existsSync(join(folder, 'autoattack/autoattack.py'))) return folder;
  throw new SetupFailure(
    `Expected the package autoattack in ${folder}, found none: name the checkout's top folder with --autoattack.`,
  );
}
