// @ts-check
// What compiles and runs code for 64-bit Arm on an x86-64 machine. The set-up of `npm test` fills the
// folder (scripts/setup/arm64-target.mjs); build.mjs and test/run.mjs use it with `--arch arm64`.
import { existsSync } from 'node:fs';
import path from 'node:path';

const folder = path.join(path.dirname(import.meta.dirname), 'build', 'arm64');
const libraries = path.join(folder, 'libraries');
const libraryFolder = path.join(libraries, 'usr/lib/aarch64-linux-gnu');
const node = path.join(folder, 'node');

/** Debian's C library for arm64, which its cross compiler comes with. */
const SYSTEM_ROOT = '/usr/aarch64-linux-gnu';
const EMULATOR = '/usr/bin/qemu-aarch64-static';

export const arm64Target = {
  folder,
  /** libjpeg-turbo of Debian's arm64, headers and library. */
  libraries,
  libjpeg: path.join(libraryFolder, 'libjpeg.so.62'),
  /** Node for arm64: `bin/node` and its headers. */
  node,
  nodeProgram: path.join(node, 'bin/node'),
  addon: path.join(folder, 'Release', 'vedette.node'),
  compiler: {
    CC: 'aarch64-linux-gnu-gcc',
    CXX: 'aarch64-linux-gnu-g++',
    AR: 'aarch64-linux-gnu-ar',
  },
  compilerFlags: ['include', 'include/aarch64-linux-gnu'].flatMap((name) => [
    '-isystem',
    path.join(libraries, 'usr', name),
  ]),
  linkerFlags: [`-L${libraryFolder}`],
  libraryFolder,
};

/**
 * @throws Error that names what is missing and how to get it
 */
export function requireArm64Target() {
  if (process.arch !== 'x64') {
    throw new Error('--arch arm64 is for x86-64 machines; on others run without --arch');
  }
  const wanted = [
    EMULATOR,
    `/usr/bin/${arm64Target.compiler.CXX}`,
    SYSTEM_ROOT,
    arm64Target.libjpeg,
    arm64Target.nodeProgram,
  ];
  const missing = wanted.filter((file) => !existsSync(file));
  if (missing.length === 0) return;
  throw new Error(
    `missing for arm64: ${missing.join(', ')}. On Debian \`npm test -- arm64\` prepares all of it, ` +
      'once `apt-get install g++-aarch64-linux-gnu qemu-user-static` was run as root.',
  );
}

/**
 * @param {string} program for arm64
 * @param {readonly string[]} args
 * @returns {[string, string[]]} command and arguments that run it here
 */
export const emulated = (program, args) => [EMULATOR, ['-L', SYSTEM_ROOT, program, ...args]];
