/** Order of semantic versions without build metadata (semver.org, 11): negative when `a` is older. */
export function compareVersions(a: string, b: string): number {
  const [one, other] = [parts(a), parts(b)];
  for (let index = 0; index < 3; index += 1) {
    const difference = one.numbers[index]! - other.numbers[index]!;
    if (difference !== 0) return difference;
  }
  if (one.prerelease === other.prerelease) return 0;
  if (one.prerelease === '') return 1;
  if (other.prerelease === '') return -1;
  return comparePrereleases(one.prerelease.split('.'), other.prerelease.split('.'));
}

function parts(version: string) {
  const [core = '', ...rest] = version.split('-');
  const numbers = core.split('.').map(Number);
  return { numbers: [0, 1, 2].map((index) => numbers[index] ?? 0), prerelease: rest.join('-') };
}

function comparePrereleases(a: readonly string[], b: readonly string[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const [one, other] = [a[index], b[index]];
    if (one === other) continue;
    if (one === undefined) return -1;
    if (other === undefined) return 1;
    const [isNumber, otherIsNumber] = [/^\d+$/.test(one), /^\d+$/.test(other)];
    if (isNumber && otherIsNumber) return Number(one) - Number(other);
    if (isNumber !== otherIsNumber) return isNumber ? -1 : 1;
    return one < other ? -1 : 1;
  }
  return 0;
}

/** The version after all of these: the next patch of the newest. */
export function nextPatch(versions: readonly string[]): string {
  const newest = versions.toSorted(compareVersions).at(-1) ?? '0.0.0';
  const { numbers } = parts(newest);
  return `${numbers[0]}.${numbers[1]}.${numbers[2]! + 1}`;
}

/** The next `N.0.0`: one above the largest major that exists. */
export function nextMajor(versions: readonly string[]): string {
  return `${Math.max(0, ...versions.map((version) => parts(version).numbers[0]!)) + 1}.0.0`;
}
