/** Finds the gradient store that a word of the command line means: a folder, a key, or a variant of an experiment. */
import { existsSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { PipelineError } from '../../../schemas/errors.ts';
import { translateReadError } from '../../../store/read-error.ts';
import { STORE_FILE } from '../../../store/shards/store-layout.ts';
import { listExperiments } from '../../inventory.ts';

const PREFIX = 'precompute-';
const SHOWN = 8;

/** @returns the folder of the store. Throws `NOT_FOUND`, or `USAGE` where the word means several. */
export async function findStore(source: string | undefined, runs: string): Promise<string> {
  const stores = await storesIn(runs);
  if (source === undefined) return onlyOne(stores, runs);
  if (existsSync(source) && statSync(source).isDirectory()) return requireStore(source);
  const named = stores.filter((id) => id.startsWith(source) || id.startsWith(PREFIX + source));
  const found = named.length > 0 ? named : await storesOfVariant(source, stores, runs);
  if (found.length === 1) return join(runs, 'artifacts', found[0]!);
  if (found.length > 1) {
    throw usage(
      `Expected the name of one gradient store, found that ${source} means ${list(found)}; add to it.`,
    );
  }
  throw notFound(`found none that ${source} names. ${there(stores, runs)}`);
}

/** Names of the artifacts below a runs directory that hold gradients, sorted. */
async function storesIn(runs: string): Promise<string[]> {
  const artifacts = join(runs, 'artifacts');
  const names = await readdir(artifacts).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw translateReadError(error, artifacts);
  });
  return names.filter((name) => name.startsWith(PREFIX)).sort();
}

function requireStore(folder: string): string {
  if (existsSync(join(folder, STORE_FILE)) || basename(resolve(folder)).startsWith(PREFIX)) return folder;
  throw notFound(`found no ${STORE_FILE} in ${folder}. Name the folder of an artifact of precompute.`);
}

function onlyOne(stores: readonly string[], runs: string): string {
  if (stores.length === 1) return join(runs, 'artifacts', stores[0]!);
  throw stores.length === 0
    ? notFound(`found none. ${there(stores, runs)}`)
    : usage(`Expected the name of a gradient store. ${there(stores, runs)}`);
}

/** Stores that a variant's last run needed; `experiment/variant` tells variants of the same name apart. */
async function storesOfVariant(source: string, stores: readonly string[], runs: string): Promise<string[]> {
  const ids = (await listExperiments(runs)).flatMap(({ name, nodes }) =>
    nodes
      .filter(
        ({ stage, labels }) =>
          stage === 'precompute' && labels.some((label) => [label, `${name}/${label}`].includes(source)),
      )
      .map(({ key }) => PREFIX + key),
  );
  return [...new Set(ids)].filter((id) => stores.includes(id));
}

function there(stores: readonly string[], runs: string): string {
  return stores.length === 0
    ? `There is none in ${runs} yet; \`pipeline run precompute\` makes one, --runs DIR looks elsewhere.`
    : `In ${runs} there are ${list(stores)}.`;
}

function list(ids: readonly string[]): string {
  const rest = ids.length - SHOWN;
  return `${ids.slice(0, SHOWN).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** The runs directory that an artifact lies in, or null where it lies elsewhere. */
export function runsOf(directory: string): string | null {
  const artifacts = dirname(resolve(directory));
  return basename(artifacts) === 'artifacts' ? dirname(artifacts) : null;
}

export function usage(sentence: string): PipelineError {
  return new PipelineError('USAGE', `${sentence} \`pipeline store --help\` explains what a store is called.`);
}

function notFound(found: string): PipelineError {
  return new PipelineError('NOT_FOUND', `Expected a gradient store, ${found}`);
}
