import semver from 'semver';
import { valueChanges } from '../recipe/value-changes.ts';
import type { Bundle, LockedComponent } from './bundle-schema.ts';

/** How a second bundle differs from a first, one sentence a line; none when they are the same. */
export function diffBundles(before: Bundle, after: Bundle): string[] {
  const lines: string[] = [];
  const names = new Set([...Object.keys(before.components), ...Object.keys(after.components)]);
  for (const name of [...names].sort()) {
    const [one, other] = [before.components[name], after.components[name]];
    if (!one) lines.push(`${name} ${other!.version} is added${why(other!)}`);
    else if (!other) lines.push(`${name} ${one.version} is removed`);
    else lines.push(...componentChanges(name, one, other));
  }
  const devices = (bundle: Bundle) =>
    new Map(bundle.devices.map((device) => [device.name, device]));
  lines.push(...listChanges('device', devices(before), devices(after)));
  if (before.description !== after.description) lines.push('the description is another');
  return lines;
}

function componentChanges(name: string, one: LockedComponent, other: LockedComponent): string[] {
  const lines: string[] = [];
  if (one.version !== other.version) {
    lines.push(
      `${name} goes from ${one.version} to ${other.version}: ${step(one.version, other.version)}`,
    );
  } else if (
    one.recipeSha256 !== other.recipeSha256 &&
    (one.contentSha256 === undefined || one.contentSha256 !== other.contentSha256)
  ) {
    lines.push(`${name} ${one.version} has other content under the same version`);
  }
  if (one.isRequested !== other.isRequested) {
    lines.push(
      other.isRequested
        ? `${name} is asked for now, and was only depended on`
        : `${name} is only depended on now, and was asked for`,
    );
  }
  lines.push(...valueChanges(`${name} configuration`, one.merge ?? {}, other.merge ?? {}));
  const resets = (locked: LockedComponent) =>
    new Map((locked.reset ?? []).map((pointer) => [pointer === '' ? 'everything' : pointer, '']));
  lines.push(...listChanges(`reset of ${name}`, resets(one), resets(other)));
  lines.push(...valueChanges(`${name} runs with`, one.runWith ?? {}, other.runWith ?? {}));
  return lines;
}

function step(from: string, to: string): string {
  const way = semver.gt(to, from) ? 'a newer' : 'an older';
  const kind = semver.diff(from, to);
  return kind === 'major' || kind === 'minor' || kind === 'patch'
    ? `${way} ${kind} version`
    : `${way} pre-release or release`;
}

const why = ({ isRequested }: LockedComponent): string =>
  isRequested ? '' : ', because another component depends on it';

function listChanges(
  what: string,
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): string[] {
  const lines: string[] = [];
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    if (!before.has(name)) lines.push(`${what} ${name} is added`);
    else if (!after.has(name)) lines.push(`${what} ${name} is removed`);
    else lines.push(...valueChanges(`${what} ${name}`, before.get(name), after.get(name)));
  }
  return lines;
}
