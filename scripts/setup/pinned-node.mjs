// @ts-check
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './setup-error.mjs';

const PLATFORMS = ['linux-x64', 'linux-arm64'];

/** @param {string} root */
export const pinnedNode = (root) => join(root, 'node_modules/.bin/node');

/**
 * Refuses platforms for which the pinned Node, ONNX Runtime and SQLite have no binaries.
 * @param {string} platform as `process.platform` gives it
 * @param {string} arch as `process.arch` gives it
 * @param {boolean} hasGlibc
 */
export function requireKnownPlatform(platform, arch, hasGlibc) {
  const found = `${platform}-${arch}`;
  if (!PLATFORMS.includes(found)) {
    throw new SetupError(`Vedette runs on ${PLATFORMS.join(' and ')}; this is ${found}.`, 2);
  }
  if (!hasGlibc) {
    throw new SetupError(
      'Vedette needs a Linux with glibc (Debian, Ubuntu, Amazon Linux …); this one has another C library.',
      2,
    );
  }
}

/** Whether this Node runs on glibc. */
export function runsOnGlibc() {
  const report = /** @type {{ header?: { glibcVersionRuntime?: string } } | undefined} */ (
    process.report?.getReport()
  );
  return report?.header?.glibcVersionRuntime !== undefined;
}

/**
 * @param {string} root
 * @returns {boolean} whether the Node that npm brings for this platform is there
 */
export const hasPinnedNode = (root) => existsSync(pinnedNode(root));
