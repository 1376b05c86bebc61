// @ts-check
import { existsSync, readFileSync } from 'node:fs';

/**
 * @typedef {{ id: string, like: string[] }} OsRelease
 * @param {string} text of /etc/os-release
 * @returns {OsRelease}
 */
export function parseOsRelease(text) {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const line of text.split('\n')) {
    const match = /^([A-Z_]+)=(.*)$/.exec(line.trim());
    if (match) fields[match[1] ?? ''] = (match[2] ?? '').replace(/^(["'])(.*)\1$/, '$2');
  }
  return {
    id: (fields['ID'] ?? 'linux').toLowerCase(),
    like: (fields['ID_LIKE'] ?? '').toLowerCase().split(' ').filter(Boolean),
  };
}

/** @returns {OsRelease} */
export function readOsRelease() {
  const file = ['/etc/os-release', '/usr/lib/os-release'].find((path) => existsSync(path));
  return parseOsRelease(file ? readFileSync(file, 'utf8') : '');
}
