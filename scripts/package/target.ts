import path from 'node:path';

/** A platform that artifacts are made for, in the words of everyone who names it. */
export interface Target {
  readonly platform: 'linux/amd64' | 'linux/arm64';
  readonly debianArch: 'amd64' | 'arm64';
  readonly nodeArch: 'x64' | 'arm64';
  readonly triplet: string;
  /** Of the compiler and binutils that make code for it on this machine. */
  readonly toolPrefix: string;
  /** Where its parts are built and kept. */
  readonly workFolder: string;
}

export const root = path.join(import.meta.dirname, '..', '..');
export const buildFolder = path.join(root, 'build', 'package');
export const logFile = (name: string): string => path.join(buildFolder, 'log', `${name}.log`);

const PLATFORMS = {
  'linux/amd64': { debianArch: 'amd64', nodeArch: 'x64', triplet: 'x86_64-linux-gnu' },
  'linux/arm64': { debianArch: 'arm64', nodeArch: 'arm64', triplet: 'aarch64-linux-gnu' },
} as const;

export const PLATFORM_NAMES = Object.keys(PLATFORMS) as Target['platform'][];

/** What a machine makes when nothing is named: the set-up brings an Arm machine no compiler for x86-64. */
export function platformsMadeOn(arch: string): Target['platform'][] {
  return arch === 'arm64' ? ['linux/arm64'] : PLATFORM_NAMES;
}

export function targetOf(platform: string): Target {
  const known = PLATFORMS[platform as Target['platform']];
  if (!known) {
    throw new Error(`--platform: expected ${PLATFORM_NAMES.join(' or ')}, got ${platform}`);
  }
  return {
    platform: platform as Target['platform'],
    ...known,
    toolPrefix: known.nodeArch === process.arch ? '' : `${known.triplet}-`,
    workFolder: path.join(buildFolder, known.debianArch),
  };
}
