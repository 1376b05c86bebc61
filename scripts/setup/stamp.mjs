// @ts-check
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * sha256 over the names and bytes of files; the same whenever nothing changed. What does not exist
 * counts as empty.
 * @param {string} root
 * @param {readonly string[]} paths files and folders, relative to `root`
 * @param {readonly string[]} [facts] whatever else decides the outcome, such as a version
 * @returns {string}
 */
export function fingerprint(root, paths, facts = []) {
  const hash = createHash('sha256').update(JSON.stringify(facts));
  for (const path of paths) addPath(hash, root, path);
  return hash.digest('hex');
}

/**
 * @param {import('node:crypto').Hash} hash
 * @param {string} root
 * @param {string} path
 */
function addPath(hash, root, path) {
  const absolute = join(root, path);
  if (!existsSync(absolute)) return;
  if (statSync(absolute).isDirectory()) {
    for (const name of readdirSync(absolute).sort()) addPath(hash, root, `${path}/${name}`);
    return;
  }
  const bytes = readFileSync(absolute);
  hash.update(`${path}\0${bytes.length}\0`).update(bytes);
}

/**
 * @param {string} file
 * @param {string} print
 */
export const isStamped = (file, print) => existsSync(file) && readFileSync(file, 'utf8') === print;

/**
 * @param {string} file
 * @param {string} print
 */
export function writeStamp(file, print) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, print);
}
