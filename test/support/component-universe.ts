import fc from 'fast-check';
import semver from 'semver';
import type {
  ComponentNeeds,
  PlatformRule,
  VersionFacts,
} from '../../cloud-publisher/compatibility/component-catalog.ts';
import type { DeviceFacts } from '../../cloud-publisher/compatibility/device-facts.ts';
import { MemoryCatalog } from '../../cloud-publisher/compatibility/memory-catalog.ts';

/** By component and version: ranges of what it depends on. */
export type Universe = Readonly<
  Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>
>;

export const factsOf = (
  dependencies: Readonly<Record<string, string>> = {},
  needs: ComponentNeeds = {},
  platforms: readonly PlatformRule[] = [{ runtime: '*' }],
): VersionFacts => ({
  dependencies: new Map(
    Object.entries(dependencies).map(([name, range]) => [name, { range, isSoft: false }]),
  ),
  platforms,
  needs,
  type: 'aws.greengrass.generic',
});

export const catalogOf = (universe: Universe): MemoryCatalog =>
  new MemoryCatalog(
    'the test',
    new Map(
      Object.entries(universe).map(([name, versions]) => [
        name,
        new Map(
          Object.entries(versions).map(([version, wishes]) => [version, factsOf(wishes)] as const),
        ),
      ]),
    ),
  );

export const device = (changes: Partial<DeviceFacts> = {}): DeviceFacts => ({
  name: 'station-7',
  os: 'linux',
  architecture: 'amd64',
  nucleus: 'classic',
  attributes: {},
  ...changes,
});

const VERSIONS = ['1.0.0', '1.1.0', '1.2.0-rc.1', '2.0.0', '2.1.0', '3.0.0'];
const RANGES = [
  '*',
  '^1.0.0',
  '^2.0.0',
  '>=1.1.0',
  '<2.0.0',
  '~2.1.0',
  '1.0.0',
  '>=1.0.0 <2.1.0',
  '1.0.0 || 3.0.0',
  '^9.0.0',
  '^1.2.0-rc.0',
];
const NAMES = ['a', 'b', 'c', 'd', 'e'];

const wishes = (max: number, ranges: readonly string[]): fc.Arbitrary<Record<string, string>> =>
  fc
    .uniqueArray(fc.tuple(fc.constantFrom(...NAMES, 'nobody'), fc.constantFrom(...ranges)), {
      maxLength: max,
      selector: ([name]) => name,
    })
    .map((entries) => Object.fromEntries(entries));

export interface Case {
  readonly universe: Universe;
  readonly wanted: Record<string, string>;
}

const casesOf = (versions: readonly string[], ranges: readonly string[]): fc.Arbitrary<Case> =>
  fc.record({
    universe: fc.record(
      Object.fromEntries(
        NAMES.map((name) => [
          name,
          fc
            .uniqueArray(fc.tuple(fc.constantFrom(...versions), wishes(3, ranges)), {
              maxLength: 6,
              selector: ([version]) => version,
            })
            .map((entries) => Object.fromEntries(entries)),
        ]),
      ),
    ),
    wanted: wishes(3, ranges).filter((one) => Object.keys(one).length > 0),
  });

/** Up to five components with up to six versions, and what is asked of them. */
export const universes = casesOf(VERSIONS, RANGES);

/** The same without alternatives and pre-releases, which nucleus lite joins to something else. */
export const plainUniverses = casesOf(
  VERSIONS.filter((version) => !version.includes('-')),
  RANGES.filter((range) => !/\|\||-/.test(range)),
);

/** Whether a choice holds for everything that is wanted and depended on; slow and plainly right. */
export function isSolution(
  universe: Universe,
  wanted: Readonly<Record<string, string>>,
  chosen: ReadonlyMap<string, string>,
): boolean {
  const holds = (ranges: Readonly<Record<string, string>>) =>
    Object.entries(ranges).every(([name, range]) => {
      const version = chosen.get(name);
      return version !== undefined && semver.satisfies(version, range);
    });
  return holds(wanted) && [...chosen].every(([name, version]) => holds(universe[name]![version]!));
}

/** Every choice of a version or none for each component, tried one after the other. */
export function* allChoices(universe: Universe): Generator<ReadonlyMap<string, string>> {
  const names = Object.keys(universe);
  const walk = function* (at: number, chosen: Map<string, string>): Generator<Map<string, string>> {
    const name = names[at];
    if (name === undefined) {
      yield chosen;
      return;
    }
    yield* walk(at + 1, chosen);
    for (const version of Object.keys(universe[name]!)) {
      yield* walk(at + 1, new Map(chosen).set(name, version));
    }
  };
  yield* walk(0, new Map());
}
