import semver from 'semver';
import type { SemVer } from 'semver';

/** Versions with what was read of them, ascending; what is no semantic version is left out. */
export const parseVersions = (versions: readonly string[]): SemVer[] =>
  versions
    .flatMap((version) => semver.parse(version) ?? [])
    .sort((a, b) => a.compare(b) || a.compareBuild(b));

export const sortVersions = (versions: readonly string[]): string[] =>
  parseVersions(versions).map(({ version }) => version);

export const isVersionRange = (text: string): boolean => semver.validRange(text) !== null;

/** As npm decides it: a pre-release is in a range only that names one of the same version. */
export const isInRange = (version: string, range: string): boolean =>
  semver.satisfies(version, range);

/** Places of the versions in a range. */
export function placesInRange(versions: readonly SemVer[], range: string): number[] {
  const parsed = new semver.Range(range);
  const found: number[] = [];
  for (const [place, version] of versions.entries()) {
    if (parsed.test(version)) found.push(place);
  }
  return found;
}
