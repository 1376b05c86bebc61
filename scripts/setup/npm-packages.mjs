// @ts-check
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runLogged } from './run-logged.mjs';

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, peer?: boolean }} LockedPackage
 * @typedef {Record<string, LockedPackage>} LockedPackages
 */

/**
 * Whether what npm recorded as installed is what the lock file asks for. Optional packages may be
 * missing: most are for other platforms.
 * @param {LockedPackages} locked `packages` of package-lock.json
 * @param {LockedPackages} installed `packages` of node_modules/.package-lock.json, which npm writes last
 */
export function isInstalled(locked, installed) {
  const missing = Object.entries(locked).some(
    ([path, entry]) => path !== '' && !entry.optional && !(path in installed),
  );
  if (missing) return false;
  return Object.entries(installed).every(([path, entry]) => {
    const wanted = locked[path];
    return wanted?.version === entry.version && wanted?.integrity === entry.integrity;
  });
}

/** @param {string} root */
export function hasNpmPackages(root) {
  const record = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  return isInstalled(readPackages(join(root, 'package-lock.json')), readPackages(record));
}

/**
 * @param {string} file
 * @returns {LockedPackages}
 */
const readPackages = (file) => JSON.parse(readFileSync(file, 'utf8')).packages ?? {};

/**
 * The npm that runs this script, when there is one: it may not be the first in PATH.
 * @returns {{ command: string, before: string[] }} arguments go behind those of `before`
 */
export function npmCommand() {
  const { npm_execpath: npm, npm_node_execpath: node } = process.env;
  return npm && node ? { command: node, before: [npm] } : { command: 'npm', before: [] };
}

/**
 * @param {string} root
 * @param {string} logFile
 */
export async function installNpmPackages(root, logFile) {
  const { command, before } = npmCommand();
  await runLogged({
    what: 'npm packages',
    command,
    // The lock file is checked by the pinned Node's rules, not those of the system's: no warnings.
    args: [
      ...before,
      'ci',
      '--ignore-scripts',
      '--include=dev',
      '--include=optional',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ],
    cwd: root,
    logFile,
    // `npm --silent test` would pass its silence on and leave the log empty.
    env: { npm_config_loglevel: 'error' },
    hint: 'npm needs its registry for this step; once prepared, everything works offline.',
  });
}
