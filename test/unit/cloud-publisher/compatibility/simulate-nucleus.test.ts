import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simulateNucleus } from '../../../../cloud-publisher/compatibility/simulate-nucleus.ts';
import type { NucleusRequest } from '../../../../cloud-publisher/compatibility/nucleus-request.ts';
import { solve } from '../../../../cloud-publisher/compatibility/solver/solve.ts';
import {
  catalogOf,
  device,
  isSolution,
  plainUniverses,
  universes,
} from '../../../support/component-universe.ts';
import type { Universe } from '../../../support/component-universe.ts';

const RUNS = process.env['VEDETTE_DEEP'] === '1' ? 10_000 : 300;
const NUCLEI = ['classic', 'lite'] as const;

const simulate = (
  universe: Universe,
  nucleus: (typeof NUCLEI)[number],
  roots: Record<string, string>,
  more: Partial<NucleusRequest> = {},
) =>
  simulateNucleus(
    { roots: new Map(Object.entries(roots)), ...more },
    device({ nucleus }),
    catalogOf(universe),
  );

const CHAIN: Universe = {
  app: { '1.0.0': { lib: '^1.0.0' }, '2.0.0': { lib: '>=1.0.0' } },
  lib: { '1.0.0': {}, '1.5.0': {}, '2.0.0': {} },
  tool: { '1.0.0': { lib: '^1.0.0' } },
};

/** Whether a choice of versions has a circle, which the classic nucleus refuses. */
function hasCircle(universe: Universe, chosen: ReadonlyMap<string, string>): boolean {
  const reaches = (from: string, to: string, seen: Set<string>): boolean =>
    Object.keys(universe[from]![chosen.get(from)!]!).some((next) => {
      if (next === to) return true;
      if (seen.has(next)) return false;
      return reaches(next, to, seen.add(next));
    });
  return [...chosen.keys()].some((name) => reaches(name, name, new Set()));
}

/** Lite joins wishes as texts: what it makes of alternatives and pre-releases has tests of its own. */
const casesFor = (nucleus: (typeof NUCLEI)[number]) =>
  nucleus === 'lite' ? plainUniverses : universes;

describe.each(NUCLEI)('the simulated %s nucleus', (nucleus) => {
  it('chooses what a lock says', async () => {
    let locks = 0;
    await fc.assert(
      fc.asyncProperty(
        casesFor(nucleus),
        fc.infiniteStream(fc.nat()),
        async ({ universe, wanted }, keys) => {
          const solved = await solve(
            { wanted: new Map(Object.entries(wanted)) },
            catalogOf(universe),
          );
          if (!solved.isSolved) return;
          const order = [...solved.versions]
            .map((entry) => [keys.next().value!, entry] as const)
            .sort(([a], [b]) => a - b)
            .map(([, entry]) => entry);
          const outcome = await simulate(universe, nucleus, Object.fromEntries(order));
          if (nucleus === 'classic' && hasCircle(universe, solved.versions)) {
            expect(outcome).toMatchObject({ isResolved: false, reason: /circle/ });
            return;
          }
          locks += 1;
          expect(outcome).toEqual({ isResolved: true, versions: expect.any(Map) });
          if (outcome.isResolved) {
            expect(Object.fromEntries(outcome.versions)).toEqual(
              Object.fromEntries(solved.versions),
            );
          }
        },
      ),
      { numRuns: RUNS },
    );
    expect(locks).toBeGreaterThan(RUNS / 20);
  });

  it('chooses versions that go together, or none', async () => {
    await fc.assert(
      fc.asyncProperty(casesFor(nucleus), async ({ universe, wanted }) => {
        const outcome = await simulate(universe, nucleus, wanted);
        if (outcome.isResolved) {
          expect(isSolution(universe, wanted, outcome.versions)).toBe(true);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('takes the newest version that everybody wishes', async () => {
    expect(await simulate(CHAIN, nucleus, { app: '2.0.0' })).toEqual({
      isResolved: true,
      versions: new Map([
        ['app', '2.0.0'],
        ['lib', '2.0.0'],
      ]),
    });
  });

  it('names who wishes what when nothing fits', async () => {
    const outcome = await simulate(CHAIN, nucleus, { app: '1.0.0', lib: '2.0.0' });
    expect(outcome).toMatchObject({ isResolved: false });
    expect(!outcome.isResolved && outcome.reason).toMatch(/lib/);
  });

  it('fails where the solver goes back on a choice', async () => {
    const universe: Universe = {
      app: { '1.0.0': { lib: '*' } },
      lib: { '1.0.0': {}, '2.0.0': { driver: '^9.0.0' } },
      driver: { '1.0.0': {} },
    };
    const solved = await solve({ wanted: new Map([['app', '1.0.0']]) }, catalogOf(universe));
    expect(solved).toMatchObject({ isSolved: true });
    expect(await simulate(universe, nucleus, { app: '1.0.0' })).toMatchObject({
      isResolved: false,
    });
  });
});

describe('the nuclei differ', () => {
  it('when a wish comes after the choice: classic chooses again, lite fails', async () => {
    const roots = { app: '2.0.0', middle: '1.0.0' };
    const universe: Universe = {
      ...CHAIN,
      middle: { '1.0.0': { deep: '*' } },
      deep: { '1.0.0': { lib: '^1.0.0' } },
    };
    expect(await simulate(universe, 'classic', roots)).toMatchObject({
      versions: new Map([
        ['app', '2.0.0'],
        ['lib', '1.5.0'],
        ['middle', '1.0.0'],
        ['deep', '1.0.0'],
      ]),
    });
    expect(await simulate(universe, 'lite', roots)).toEqual({
      isResolved: false,
      reason: 'the nucleus chose lib 2.0.0 before it came to deep 1.0.0, which depends on ^1.0.0',
    });
  });

  it('when a version that fits runs already: lite keeps it', async () => {
    const more = { installed: new Map([['lib', '1.0.0']]) };
    expect(await simulate(CHAIN, 'lite', { app: '2.0.0' }, more)).toMatchObject({
      versions: new Map([
        ['app', '2.0.0'],
        ['lib', '1.0.0'],
      ]),
    });
    expect(await simulate(CHAIN, 'classic', { app: '2.0.0' }, more)).toMatchObject({
      versions: new Map([
        ['app', '2.0.0'],
        ['lib', '2.0.0'],
      ]),
    });
  });

  it('when another deployment names the component too', async () => {
    const more = {
      otherRoots: new Map([['lib', '1.0.0']]),
      installed: new Map([['lib', '1.0.0']]),
    };
    expect(await simulate(CHAIN, 'classic', { app: '2.0.0' }, more)).toMatchObject({
      versions: new Map([
        ['lib', '1.0.0'],
        ['app', '2.0.0'],
      ]),
    });
    const twice = await simulate(CHAIN, 'lite', { lib: '2.0.0' }, more);
    expect(!twice.isResolved && twice.reason).toContain('two deployments name lib');
  });

  it('over alternatives: lite joins wishes as texts, so that one may swallow another', async () => {
    const universe: Universe = {
      app: { '1.0.0': { lib: '^2.0.0 || ^3.0.0' } },
      lib: { '1.0.0': {}, '3.0.0': {} },
    };
    const roots = { app: '1.0.0', lib: '1.0.0' };
    expect(await simulate(universe, 'lite', roots)).toMatchObject({
      versions: new Map([
        ['app', '1.0.0'],
        ['lib', '3.0.0'],
      ]),
    });
    expect(await simulate(universe, 'classic', roots)).toMatchObject({ isResolved: false });
  });

  it('over a lock with an alternative: lite may leave it, which the simulation tells', async () => {
    const universe: Universe = {
      app: { '1.0.0': { lib: '1.0.0 || 3.0.0' } },
      lib: { '1.0.0': {}, '3.0.0': {} },
    };
    const lock = { app: '1.0.0', lib: '1.0.0' };
    expect(await simulate(universe, 'lite', lock)).toMatchObject({
      versions: new Map([
        ['app', '1.0.0'],
        ['lib', '3.0.0'],
      ]),
    });
    expect(await simulate(universe, 'classic', lock)).toMatchObject({
      versions: new Map([
        ['app', '1.0.0'],
        ['lib', '1.0.0'],
      ]),
    });
  });

  it('over what is part of nucleus lite', async () => {
    const universe: Universe = { app: { '1.0.0': { 'aws.greengrass.Cli': '^2.0.0' } } };
    expect(await simulate(universe, 'lite', { app: '1.0.0' })).toMatchObject({ isResolved: true });
    expect(await simulate(universe, 'classic', { app: '1.0.0' })).toMatchObject({
      isResolved: false,
    });
  });
});
