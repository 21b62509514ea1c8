#!/usr/bin/env node
/** The `pipeline` command: makes Node read TypeScript, then hands over. Loads no engine, so that --help is quick. */

/** @param {unknown} error */
function isMissingPackage(error) {
  return /** @type {NodeJS.ErrnoException} */ (error)?.code === 'ERR_MODULE_NOT_FOUND';
}

if (Number.parseInt(process.versions.node, 10) < 20) {
  process.stderr.write(
    `Expected Node.js 20 or newer, found ${process.versions.node}: install a newer one from https://nodejs.org.\n`,
  );
  process.exit(1);
}

const tsx = await import('tsx/esm/api').catch((error) => {
  if (!isMissingPackage(error)) throw error;
  return null;
});
if (tsx === null) {
  process.stderr.write(
    'Expected the npm packages to be installed, found no `tsx`: run `npm install` in the project.\n',
  );
  process.exit(1);
}
tsx.register();
const { main } = await import('./cli.ts');
const code = await main(process.argv.slice(2));
if (code !== 0) process.exitCode = code;
