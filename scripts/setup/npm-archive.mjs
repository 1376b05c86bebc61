// @ts-check
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { npmCommand } from './npm-packages.mjs';
import { runLogged } from './run-logged.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * An npm package of another architecture: npm installs those of this machine only, so that this one
 * is packed, held against the lock file and unpacked by itself.
 * @param {string} root
 * @param {{ name: string, into: string, logFile: string, parts?: readonly string[] }} wanted `parts`:
 *   what to unpack; everything when absent
 */
export async function fetchNpmArchive(root, { name, into, logFile, parts = [] }) {
  const { version, integrity } = lockedPackage(root, name);
  const download = `${into}.download`;
  const unpacked = `${into}.new`;
  for (const folder of [download, unpacked]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }
  const { command, before } = npmCommand();
  const step = { what: `${name} ${version}`, cwd: root, logFile };
  await runLogged({
    ...step,
    command,
    args: [...before, 'pack', `${name}@${version}`, '--pack-destination', download],
    hint: 'npm needs its registry for this step; once prepared, everything works offline.',
  });
  const [file = ''] = readdirSync(download);
  const archive = join(download, file);
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (found !== integrity) {
    throw new SetupError(
      `${name} ${version} is not what package-lock.json names: expected ${integrity}, got ${found}.`,
      1,
    );
  }
  const only = parts.map((part) => `package/${part}`);
  await runLogged({
    ...step,
    command: 'tar',
    args: ['-xzf', archive, '-C', unpacked, '--strip-components=1', ...only],
  });
  rmSync(into, { recursive: true, force: true });
  renameSync(unpacked, into);
  rmSync(download, { recursive: true, force: true });
}

/**
 * @param {string} root
 * @param {string} name
 * @returns {{ version: string, integrity: string }}
 */
export function lockedPackage(root, name) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return lock.packages[`node_modules/${name}`];
}
