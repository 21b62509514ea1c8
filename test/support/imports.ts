/** The import lines of the sources, for tests of the architecture. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const LAYERS = ['schemas', 'store', 'stages', 'pipeline'] as const;

const IMPORTS = [
  /\b(?:import|export)\s+(?:type\s+)?(?:[\w*{}\s,$]+\s+from\s+)?['"]([^'"]+)['"]/g,
  /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
  /\brequire\(\s*['"]([^'"]+)['"]\s*\)/g,
  /\brequire\.resolve\(\s*['"]([^'"]+)['"]\s*\)/g,
];

/** A source file, and what it imports: paths from the root for our own, names for packages. */
export interface Source {
  path: string;
  text: string;
  imports: string[];
}

/** All sources of the layers, sorted by path. */
export function readSources(): Source[] {
  return LAYERS.filter((layer) => existsSync(join(ROOT, layer)))
    .flatMap((layer) =>
      readdirSync(join(ROOT, layer), { recursive: true }).map((name) => posix.join(layer, String(name))),
    )
    .filter((path) => /\.(ts|mjs)$/.test(path))
    .sort()
    .map((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8');
      return { path, text, imports: importsOf(path, text) };
    });
}

/** What a text imports, in any of the forms that the language has. Comments do not count. */
export function importsOf(path: string, text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  return IMPORTS.flatMap((form) => [...code.matchAll(form)].map((match) => match[1]!)).map((name) =>
    name.startsWith('.') ? posix.join(dirname(path), name) : name,
  );
}

/** The first circle of imports, or null. */
export function findCycle(sources: readonly Source[]): string[] | null {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  const visit = (path: string, trail: string[]): string[] | null => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return null;
    for (const next of byPath.get(path)?.imports ?? []) {
      const cycle = byPath.has(next) ? visit(next, [...trail, path]) : null;
      if (cycle !== null) return cycle;
    }
    done.add(path);
    return null;
  };
  for (const { path } of sources) {
    const cycle = visit(path, []);
    if (cycle !== null) return cycle;
  }
  return null;
}
