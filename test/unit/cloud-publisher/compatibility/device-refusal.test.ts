import { describe, expect, it } from 'vitest';
import type { DeviceFacts } from '../../../../cloud-publisher/compatibility/device-facts.ts';
import {
  deviceRefusal,
  isForDevice,
} from '../../../../cloud-publisher/compatibility/device-refusal.ts';
import { MemoryCatalog } from '../../../../cloud-publisher/compatibility/memory-catalog.ts';
import { resolveComponents } from '../../../../cloud-publisher/compatibility/resolve-components.ts';
import { scoreDevice } from '../../../../cloud-publisher/compatibility/score-device.ts';
import { upgradeImpact } from '../../../../cloud-publisher/compatibility/upgrade-impact.ts';
import type { VersionFacts } from '../../../../cloud-publisher/compatibility/component-catalog.ts';
import { catalogOf, device, factsOf } from '../../../support/component-universe.ts';

const lite = device({ nucleus: 'lite' });
const classic = device();

const catalog = (components: Record<string, Record<string, VersionFacts>>): MemoryCatalog =>
  new MemoryCatalog(
    'the test',
    new Map(
      Object.entries(components).map(([name, versions]) => [
        name,
        new Map(Object.entries(versions)),
      ]),
    ),
  );

describe('a manifest is for a device', () => {
  it.each([
    [{ os: 'linux' }, true, false],
    [{ os: 'linux', runtime: '*' }, true, true],
    [{ runtime: 'aws_nucleus_lite' }, false, true],
    [{ os: '*', architecture: 'amd64', runtime: '*' }, true, true],
    [{ architecture: 'aarch64', runtime: '*' }, false, false],
    [{ architecture: '/amd64|x86/', runtime: '*' }, true, false],
    [{ architecture: '/(/', runtime: '*' }, false, false],
    [{ 'architecture.detail': 'armv7l', runtime: '*' }, false, false],
    [{ line: 'north', runtime: '*' }, false, false],
  ] as const)('%j: classic %s, lite %s', (rule, onClassic, onLite) => {
    expect(isForDevice(rule, classic)).toBe(onClassic);
    expect(isForDevice(rule, lite)).toBe(onLite);
  });

  it('by attributes of its own', () => {
    expect(isForDevice({ line: 'north' }, device({ attributes: { line: 'north' } }))).toBe(true);
  });
});

describe('a version is refused for a device', () => {
  const refused = (facts: VersionFacts, changes: Partial<DeviceFacts>) =>
    deviceRefusal(facts, device(changes));

  it('with the reason, and not for what is not known', () => {
    const needs = {
      executionProviders: ['cuda'],
      glibc: '2.34',
      memoryMegabytes: 900,
      artifactBytes: { amd64: 50_000_000 },
    };
    const facts = factsOf({}, needs);
    expect(refused(facts, {})).toBeUndefined();
    expect(refused(facts, { executionProviders: ['cpu'] })).toBe(
      'runs on cuda, and station-7 has cpu',
    );
    expect(refused(facts, { glibc: '2.31' })).toBe('needs glibc 2.34, and station-7 has 2.31');
    expect(refused(facts, { glibc: '2.4' })).toBe('needs glibc 2.34, and station-7 has 2.4');
    expect(refused(facts, { glibc: '3.0' })).toBeUndefined();
    expect(refused(facts, { memoryMegabytes: 512 })).toContain('900 MB of memory');
    expect(refused(facts, { freeDiskMegabytes: 49 })).toContain('needs 50 MB of disk');
    expect(refused(facts, { freeDiskMegabytes: 49, architecture: 'aarch64' })).toBeUndefined();
    expect(refused(factsOf({}, {}, [{ os: 'linux' }]), { nucleus: 'lite' })).toBe(
      'is for linux with the classic nucleus, and station-7 is linux amd64 with nucleus lite',
    );
    expect(refused({ ...facts, type: 'aws.greengrass.plugin' }, { nucleus: 'lite' })).toContain(
      'takes aws.greengrass.generic alone',
    );
  });

  it('in a conflict that is explained', async () => {
    const only = (architecture: string, needs = {}) =>
      factsOf({}, needs, [{ os: 'linux', architecture, runtime: '*' }]);
    const one = catalog({
      model: { '1.0.0': only('amd64'), '2.0.0': only('aarch64'), '2.1.0': only('aarch64') },
    });
    const wish = { wanted: new Map([['model', '^2.0.0']]), devices: [lite] };
    await expect(resolveComponents(wish, one)).rejects.toMatchObject({
      code: 'COMPONENTS_CONFLICT',
      details: {
        sentences: [
          'Because you ask for model ^2.0.0 and model 2.0.0 and later is for linux aarch64, and station-7 is linux amd64 with nucleus lite, what you ask for cannot be had.',
        ],
      },
    });
    const older = { wanted: new Map([['model', '*']]), devices: [lite] };
    expect(await resolveComponents(older, one)).toEqual(new Map([['model', '1.0.0']]));
    const large = catalog({
      a: { '1.0.0': only('amd64', { memoryMegabytes: 600 }) },
      b: { '1.0.0': only('amd64', { memoryMegabytes: 600 }) },
    });
    const both = new Map([
      ['a', '*'],
      ['b', '*'],
    ]);
    const small = device({ memoryMegabytes: 1000 });
    await expect(resolveComponents({ wanted: both, devices: [small] }, large)).rejects.toThrow(
      'a 1.0.0 (600 MB of memory on station-7) and b 1.0.0 (600 MB of memory on station-7) together need 1200 MB of memory on station-7, and there is 1000 MB of memory on station-7',
    );
  });
});

describe('a score', () => {
  it('is 0 with every reason when a device cannot run the versions', async () => {
    const one = catalog({
      a: { '1.0.0': factsOf({ b: '^2.0.0' }, { glibc: '2.40' }) },
      b: { '1.0.0': factsOf({}, { memoryMegabytes: 5000 }) },
    });
    const versions = new Map([
      ['a', '1.0.0'],
      ['b', '1.0.0'],
    ]);
    const old = device({ glibc: '2.31', memoryMegabytes: 1000 });
    expect(await scoreDevice(versions, old, one)).toEqual({
      device: 'station-7',
      score: 0,
      reasons: [
        'a 1.0.0 needs glibc 2.40, and station-7 has 2.31',
        'b 1.0.0 needs 5000 MB of memory, and station-7 has 1000 MB',
      ],
    });
    const { score, reasons } = await scoreDevice(versions, device(), one);
    expect(score).toBe(0);
    expect(reasons).toEqual([expect.stringContaining('b')]);
  });

  it('is 100 less what speaks against it', async () => {
    const needs = { artifactBytes: { '*': 90_000_000 }, memoryMegabytes: 100 };
    const one = catalog({ a: { '1.0.0': factsOf({}, needs), '1.1.0': factsOf({}, needs) } });
    const roomy = device({ memoryMegabytes: 1000, freeDiskMegabytes: 1000 });
    expect((await scoreDevice(new Map([['a', '1.1.0']]), roomy, one)).score).toBe(100);
    expect(
      await scoreDevice(new Map([['a', '1.0.0']]), { ...roomy, freeDiskMegabytes: 100 }, one),
    ).toEqual({
      device: 'station-7',
      score: 75,
      reasons: ['needs 90 of 100 MB of disk (-20)', 'a 1.1.0 is newer than 1.0.0 (-5)'],
    });
  });
});

describe('an upgrade', () => {
  const universe = {
    app: { '1.0.0': { lib: '^1.0.0' }, '2.0.0': { lib: '^2.0.0', extra: '*' } },
    lib: { '1.0.0': {}, '2.0.0': {}, '3.0.0': {} },
    extra: { '1.0.0': {} },
  };
  const lock = new Map([
    ['app', '1.0.0'],
    ['lib', '1.0.0'],
  ]);
  const impact = (component: string, version: string) =>
    upgradeImpact(lock, new Set(['app']), { component, version }, [device()], catalogOf(universe));

  it('names what it breaks and what would put it right', async () => {
    expect(await impact('lib', '2.0.0')).toEqual({
      broken: ['app 1.0.0 depends on lib ^1.0.0'],
      changes: new Map<string, object>([
        ['app', { from: '1.0.0', to: '2.0.0' }],
        ['extra', { to: '1.0.0' }],
      ]),
      conflict: [],
    });
    expect((await impact('app', '2.0.0')).broken).toEqual([
      'app 2.0.0 depends on lib ^2.0.0, and there is 1.0.0',
      'app 2.0.0 depends on extra *, which is not there',
    ]);
  });

  it('that nothing goes with is explained, and one that does not exist is refused', async () => {
    const { changes, conflict } = await impact('lib', '3.0.0');
    expect(changes.size).toBe(0);
    expect(conflict.at(-1)).toContain('cannot be had');
    await expect(impact('lib', '9.0.0')).rejects.toMatchObject({ code: 'COMPONENT_NOT_FOUND' });
  });
});
