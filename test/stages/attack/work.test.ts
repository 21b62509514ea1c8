/** Unfinished work: whose it is, and what a helper does with it. */
import '../../support/engine.ts';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runAttack } from '../../../stages/attack/run.ts';
import { temporaryFolder } from '../../support/stage-context.ts';
import { attackContext, type SmallWorld, smallModel, smallWorld } from './small-world.ts';

let world: SmallWorld;
beforeAll(async () => {
  world = await smallWorld();
});

const attack = {
  attacks: [{ method: 'pgd', norm: 'Linf', eps: [0.04], steps: 4 }],
  chunkImages: 4,
  batchSize: 2,
};
const bytesIn = (directory: string) =>
  ['attack.json', 'images.parquet'].map((name) => readFileSync(join(directory, name)).toString('base64'));
const partsIn = (directory: string) =>
  readdirSync(join(directory, 'work')).filter((name) => name.startsWith('chunk-'));

/** An artifact that was stopped after some chunks. */
async function stopped(): Promise<string> {
  const context = attackContext(world, attack);
  context.progress = ({ done }) => {
    if (done > 12) context.stop.abort();
  };
  await expect(runAttack(context)).rejects.toMatchObject({ code: 'INTERRUPTED' });
  expect(partsIn(context.directory)).toHaveLength(3);
  return context.directory;
}

describe('work that was stopped', () => {
  it('goes on in its own chunks, also where the configuration now says others', async () => {
    const whole = attackContext(world, attack);
    await runAttack(whole);
    const directory = await stopped();
    const resumed = attackContext(world, { ...attack, chunkImages: 9, batchSize: 16 }, directory);
    await runAttack(resumed);
    expect(resumed.notes).toEqual(['resuming with 12 of 30 images attacked']);
    expect(bytesIn(directory)).toEqual(bytesIn(whole.directory));
    expect(existsSync(join(directory, 'work'))).toBe(false);
  });

  it('that is damaged is told, and made anew once it is removed', async () => {
    const directory = await stopped();
    const path = join(directory, 'work', 'chunk-00001-attack-0-part-0.json');
    writeFileSync(path, '{"posi');
    const context = attackContext(world, attack, directory);
    await expect(runAttack(context)).rejects.toThrow(
      `Expected what an attack has found in ${path}, found text that is no JSON; remove that file and run the same command again, which attacks these images anew.`,
    );
    rmSync(path);
    await runAttack(attackContext(world, attack, directory));
    expect(existsSync(join(directory, 'attack.json'))).toBe(true);
  });

  it('is refused with another model, other data, seed or radius', async () => {
    const directory = await stopped();
    const folder = join(directory, 'work');
    const refusal = async (changed: object, on = world) =>
      runAttack(attackContext(on, { ...attack, ...changed }, directory)).then(
        () => 'taken',
        (error: Error) => error.message,
      );
    const end = '; remove that folder and run the same command again, which attacks anew.';
    const other = { ...world, model: await smallModel(1) };
    expect(await refusal({}, other)).toMatch(
      new RegExp(
        `^Expected the unfinished attack in ${folder} to be of the model [0-9a-f]{16}, found [0-9a-f]{16}${end}$`,
      ),
    );
    expect(await refusal({ seed: 1 })).toContain('to be of the settings {');
    expect(await refusal({ attacks: [{ ...attack.attacks[0], eps: [0.05] }] })).toContain('"eps":[0.05]');
    const path = join(folder, 'identity.json');
    const identity = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, JSON.stringify({ ...identity, data: 'fedcba' }));
    expect(await refusal({})).toBe(
      `Expected the unfinished attack in ${folder} to be of the data set key, found fedcba${end}`,
    );
    writeFileSync(path, JSON.stringify({ ...identity, version: 1 }));
    expect(await refusal({})).toContain(`to be of the version ${identity.version}, found 1`);
  });
});

describe('a helper', () => {
  const sharingOf = (isHelper: boolean, claims = temporaryFolder()) => ({ sharing: { claims, isHelper } });

  it('makes chunks that nobody has, writes no results, and leaves the rest to the owner', async () => {
    const whole = attackContext(world, attack);
    await runAttack(whole);
    const directory = await stopped();
    const { sharing } = sharingOf(true);
    const held = join(sharing.claims, 'chunk-00005.lock');
    // Such as a living process holds it: this one.
    cpSync(await ownLock(), held);
    const helper = attackContext(world, attack, directory);
    await runAttack({ ...helper, sharing });
    expect(partsIn(directory)).toHaveLength(7);
    expect(existsSync(join(directory, 'attack.json'))).toBe(false);
    expect(helper.notes).toEqual([]);
    await runAttack({ ...attackContext(world, attack, directory), ...sharingOf(false) });
    expect(bytesIn(directory)).toEqual(bytesIn(whole.directory));
  });

  it('that comes too late does nothing: before the claims are gone, and after', async () => {
    const finished = attackContext(world, attack);
    await runAttack(finished);
    const before = readdirSync(finished.directory);
    await runAttack({
      ...attackContext(world, attack, finished.directory),
      sharing: { claims: join(temporaryFolder(), 'gone'), isHelper: true },
    });
    expect(readdirSync(finished.directory)).toEqual(before);
    // It had seen the work's identity before the owner removed the work.
    const late = attackContext(world, attack, finished.directory);
    mkdirSync(join(late.directory, 'work'));
    const twin = await stopped();
    cpSync(join(twin, 'work', 'identity.json'), join(late.directory, 'work', 'identity.json'));
    await runAttack({ ...late, ...sharingOf(true) });
    expect(partsIn(late.directory)).toEqual([]);
  });
});

/** A lock file that this process holds. */
async function ownLock(): Promise<string> {
  const { acquireLock } = await import('../../../store/lock-file.ts');
  const path = join(temporaryFolder(), 'own.lock');
  await acquireLock(path, { purpose: 'a test' });
  return path;
}
