import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { filesOf } from './stage.ts';
import { RUNTIME_GLIBC } from '../../cloud-publisher/recipe/runtime-release.ts';

const run = promisify(execFile);
/** Debian 12, Ubuntu 22.04, JetPack 6 and Amazon Linux 2023 have more; JetPack 5 and Ubuntu 20.04 have these. */
export const HIGHEST = { GLIBC: RUNTIME_GLIBC, GLIBCXX: '3.4.28', CXXABI: '1.3.12' } as const;
type VersionSet = keyof typeof HIGHEST;

/** What every Linux with glibc brings; anything else has to lie in the artifact. */
const SYSTEM_LIBRARIES =
  /^(ld-linux[-\w]*\.so\.\d|lib(c|m|dl|rt|pthread|resolv|gcc_s|stdc\+\+)\.so\.\d)$/;

export interface BinaryFloor {
  readonly file: string;
  readonly needs: Readonly<Partial<Record<VersionSet, string>>>;
  readonly libraries: readonly string[];
}

/** What every ELF file below a folder asks of the device: symbol versions and libraries. Needs readelf. */
export async function binaryFloors(folder: string): Promise<BinaryFloor[]> {
  const floors: BinaryFloor[] = [];
  for (const file of await filesOf(folder)) {
    if (await isElf(path.join(folder, file))) floors.push(await floorOf(folder, file));
  }
  return floors;
}

async function floorOf(folder: string, file: string): Promise<BinaryFloor> {
  const environment = { ...process.env, LC_ALL: 'C' };
  const args = ['--version-info', '--dynamic', '--wide', path.join(folder, file)];
  const { stdout } = await run('readelf', args, { env: environment, maxBuffer: 1 << 26 });
  const needs: Partial<Record<VersionSet, string>> = {};
  const needSection = stdout.slice(stdout.indexOf('Version needs section'));
  for (const [, set, version] of needSection.matchAll(/\b(GLIBC|GLIBCXX|CXXABI)_([\d.]+)\b/g)) {
    const name = set as VersionSet;
    if (compareVersions(version ?? '', needs[name] ?? '0') > 0) needs[name] = version ?? '';
  }
  const libraries = [...stdout.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name ?? '');
  return { file, needs, libraries };
}

/** What keeps binaries from running on the oldest system that is promised; empty when all is well. */
export function floorProblems(floors: readonly BinaryFloor[]): string[] {
  const shipped = new Set(floors.map(({ file }) => path.basename(file)));
  return floors.flatMap(({ file, needs, libraries }) => [
    ...Object.entries(needs)
      .filter(([set, version]) => compareVersions(version, HIGHEST[set as VersionSet]) > 0)
      .map(
        ([set, version]) =>
          `${file} needs ${set} ${version}; at most ${HIGHEST[set as VersionSet]}`,
      ),
    ...libraries
      .filter((name) => !SYSTEM_LIBRARIES.test(name) && !shipped.has(name))
      .map((name) => `${file} needs ${name}, which neither the artifact nor every system has`),
  ]);
}

export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let index = 0; index < Math.max(left?.length ?? 0, right?.length ?? 0); index++) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

async function isElf(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1') === '\x7fELF';
  } finally {
    await handle.close();
  }
}
