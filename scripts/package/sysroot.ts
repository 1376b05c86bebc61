import { existsSync } from 'node:fs';
import {
  lstat,
  readFile,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { downloadDebianPackages } from '../setup/debian-download.mjs';
import { logFile, type Target } from './target.ts';

/**
 * What runs on an old C library is what was linked against one: Debian 11's glibc is 2.31, that of
 * JetPack 5, and its static libstdc++ asks for nothing newer.
 */
const SUITE = 'bullseye';
const GCC = '10';
const PACKAGES = [
  'libc6',
  'libc6-dev',
  'linux-libc-dev',
  `libgcc-${GCC}-dev`,
  'libgcc-s1',
  `libstdc++-${GCC}-dev`,
  'libstdc++6',
  `gcc-${GCC}-base`,
  'libcrypt1',
  'libcrypt-dev',
];
/** The libjpeg-turbo that the tests run with; it asks for glibc 2.14 only. */
const LIBJPEG = { suite: 'bookworm', names: ['libjpeg62-turbo', 'libjpeg62-turbo-dev'] };

export interface Sysroot {
  readonly compileFlags: string;
  /** For C++ beside `compileFlags`. */
  readonly cxxFlags: string;
  readonly linkFlags: string;
  readonly libjpeg: string;
  readonly libjpegCopyright: string;
  readonly libjpegVersion: string;
  readonly gccCopyright: string;
}

/** An old Debian's headers and libraries for a target, downloaded once. */
export async function prepareSysroot(target: Target): Promise<Sysroot> {
  const folder = path.join(target.workFolder, 'sysroot');
  const jpeg = path.join(target.workFolder, 'libjpeg');
  const versionFile = path.join(jpeg, 'version');
  if (!existsSync(path.join(folder, 'usr/include'))) {
    const into = `${folder}.unready`;
    await downloadDebianPackages({
      arch: target.debianArch,
      names: PACKAGES,
      into,
      suite: SUITE,
      logFile: logFile(`sysroot-${target.debianArch}`),
    });
    await makeUsable(into, target);
    await rename(into, folder);
  }
  if (!existsSync(versionFile)) {
    const files = await downloadDebianPackages({
      arch: target.debianArch,
      ...LIBJPEG,
      into: jpeg,
      logFile: logFile(`libjpeg-${target.debianArch}`),
    });
    const [, version = ''] = files[0]?.split('_') ?? [];
    await writeFile(versionFile, decodeURIComponent(version));
  }
  return describe(folder, jpeg, target);
}

async function describe(folder: string, jpeg: string, target: Target): Promise<Sysroot> {
  const { triplet } = target;
  const usr = path.join(folder, 'usr');
  const gcc = path.join(usr, 'lib/gcc', triplet, GCC);
  const libraries = [gcc, path.join(folder, 'lib', triplet), path.join(usr, 'lib', triplet)];
  const jpegLibraries = path.join(jpeg, 'usr/lib', triplet);
  return {
    compileFlags: [
      `--sysroot=${folder}`,
      `-B${gcc}/`,
      `-B${usr}/lib/${triplet}/`,
      `-isystem ${jpeg}/usr/include`,
      `-isystem ${jpeg}/usr/include/${triplet}`,
    ].join(' '),
    cxxFlags: [
      '-nostdinc++',
      `-isystem ${usr}/include/c++/${GCC}`,
      `-isystem ${usr}/include/${triplet}/c++/${GCC}`,
    ].join(' '),
    linkFlags: [
      `--sysroot=${folder}`,
      `-B${gcc}/`,
      `-B${usr}/lib/${triplet}/`,
      ...[...libraries, jpegLibraries].map((library) => `-L${library}`),
      '-static-libstdc++',
      '-static-libgcc',
      '-Wl,--exclude-libs,ALL',
      '-pthread',
    ].join(' '),
    libjpeg: path.join(jpegLibraries, 'libjpeg.so.62'),
    libjpegCopyright: path.join(jpeg, 'usr/share/doc/libjpeg62-turbo/copyright'),
    libjpegVersion: await readFile(path.join(jpeg, 'version'), 'utf8'),
    gccCopyright: path.join(usr, `share/doc/gcc-${GCC}-base/copyright`),
  };
}

/** Links that mean the root of a system mean that of the sysroot, and each compiler has headers of its own. */
async function makeUsable(folder: string, target: Target): Promise<void> {
  for (const name of ['include', 'include-fixed']) {
    const headers = path.join(folder, 'usr/lib/gcc', target.triplet, GCC, name);
    await rm(headers, { recursive: true, force: true });
  }
  for (const name of await readdir(folder, { recursive: true })) {
    const file = path.join(folder, name);
    if (!(await lstat(file)).isSymbolicLink()) continue;
    const to = await readlink(file);
    if (!to.startsWith('/')) continue;
    await rm(file);
    await symlink(path.relative(path.dirname(file), path.join(folder, to)), file);
  }
}
