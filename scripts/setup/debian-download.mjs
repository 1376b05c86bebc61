// @ts-check
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runLogged } from './run-logged.mjs';

/**
 * Debian packages of any architecture, unpacked into a folder of their own. apt does it with lists and
 * a cache of its own, checks signatures as always, needs no root, and the system does not learn of a
 * second architecture.
 * @param {{ arch: string, names: readonly string[], into: string, logFile: string, suite?: string }} wanted
 *   `suite`: of Debian's archive; the machine's own when absent
 * @returns {Promise<string[]>} the files that were unpacked, `name_version_arch.deb`
 */
export async function downloadDebianPackages({ arch, names, into, logFile, suite }) {
  const unpacked = `${into}.new`;
  const { apt, files, step } = await download({ arch, into, logFile, suite }, [
    'download',
    ...names,
  ]);
  const packages = files.filter((name) => name.endsWith('.deb'));
  for (const name of packages) {
    const args = ['-x', join(step.cwd, name), unpacked];
    await runLogged({ ...step, command: 'dpkg-deb', args, logFile });
  }
  rmSync(into, { recursive: true, force: true });
  renameSync(unpacked, into);
  rmSync(apt, { recursive: true, force: true });
  return packages;
}

/**
 * The unpacked source of a Debian package, its patches applied.
 * @param {{ name: string, into: string, logFile: string, suite: string }} wanted
 * @returns {Promise<{ version: string }>} of the source package
 */
export async function downloadDebianSource({ name, into, logFile, suite }) {
  const unpacked = `${into}.new`;
  const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const { apt, files, step } = await download({ arch, into, logFile, suite, kind: 'deb-src' }, [
    'source',
    '--download-only',
    name,
  ]);
  const description = join(step.cwd, files.find((file) => file.endsWith('.dsc')) ?? '');
  // apt has checked the signature of the list that names the sum of this file.
  const args = ['--no-check', '--no-copy', '-x', description, unpacked];
  await runLogged({ ...step, command: 'dpkg-source', args, logFile });
  const version = /^Version: (?:\d+:)?(.+)$/m.exec(readFileSync(description, 'utf8'))?.[1] ?? '';
  rmSync(into, { recursive: true, force: true });
  renameSync(unpacked, into);
  rmSync(apt, { recursive: true, force: true });
  return { version };
}

/**
 * @param {{ arch: string, into: string, logFile: string, suite: string | undefined, kind?: string }} wanted
 * @param {string[]} action
 */
async function download({ arch, into, logFile, suite, kind = 'deb' }, action) {
  const apt = `${into}.apt`;
  for (const folder of [apt, `${into}.new`]) rmSync(folder, { recursive: true, force: true });
  for (const name of ['lists/partial', 'cache/archives/partial', 'packages']) {
    mkdirSync(join(apt, name), { recursive: true });
  }
  const cwd = join(apt, 'packages');
  const options = [
    ['APT::Architecture', arch],
    ['APT::Architectures', arch],
    ['Acquire::Languages', 'none'],
    ['Dir::State::Lists', join(apt, 'lists')],
    ['Dir::State::status', '/dev/null'],
    ['Dir::Cache', join(apt, 'cache')],
    ...suiteOptions(apt, suite, kind),
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const step = { what: `libraries for ${arch}`, cwd };
  // A source that has nothing for this architecture may fail: only the download decides.
  await runLogged({
    ...step,
    command: 'apt-get',
    args: [...options, 'update'],
    logFile: `${logFile}.update`,
  }).catch(() => undefined);
  await runLogged({
    ...step,
    command: 'apt-get',
    args: [...options, ...action],
    logFile,
    hint:
      `apt needs a Debian mirror that has ${suite ?? 'the packages'} for ${arch}; once prepared, ` +
      `everything works offline. What apt said of the package lists: ${logFile}.update`,
  });
  return { apt, step, files: readdirSync(cwd).sort() };
}

/**
 * @param {string} apt
 * @param {string | undefined} suite
 * @param {string} kind
 */
function suiteOptions(apt, suite, kind) {
  if (suite === undefined) return [];
  const list = join(apt, 'sources.list');
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  writeFileSync(
    list,
    `${kind} [signed-by=${keyring}] http://deb.debian.org/debian ${suite} main\n`,
  );
  return [
    ['Dir::Etc::sourcelist', list],
    ['Dir::Etc::sourceparts', '/dev/null'],
  ];
}
