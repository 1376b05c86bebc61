import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryCatalog } from '../../../../cloud-publisher/compatibility/memory-catalog.ts';
import { explainConflict } from '../../../../cloud-publisher/compatibility/solver/explain-conflict.ts';
import { solve } from '../../../../cloud-publisher/compatibility/solver/solve.ts';
import type { SolveRequest } from '../../../../cloud-publisher/compatibility/solver/solve.ts';
import {
  allChoices,
  catalogOf,
  factsOf,
  isSolution,
  universes,
} from '../../../support/component-universe.ts';
import type { Universe } from '../../../support/component-universe.ts';

const RUNS = process.env['VEDETTE_DEEP'] === '1' ? 5000 : 150;

const solveIn = (universe: Universe, wanted: Record<string, string>, more = {}) =>
  solve({ wanted: new Map(Object.entries(wanted)), ...more }, catalogOf(universe));

async function explanation(universe: Universe, wanted: Record<string, string>): Promise<string[]> {
  const result = await solveIn(universe, wanted);
  expect(result.isSolved).toBe(false);
  return result.isSolved ? [] : explainConflict(result.conflict);
}

describe('the solver', () => {
  it('finds versions that go together exactly when there are some, as trying all shows', async () => {
    let solved = 0;
    await fc.assert(
      fc.asyncProperty(universes, async ({ universe, wanted }) => {
        const result = await solveIn(universe, wanted);
        if (result.isSolved) {
          solved += 1;
          expect(isSolution(universe, wanted, result.versions)).toBe(true);
          return;
        }
        for (const choice of allChoices(universe)) {
          expect(isSolution(universe, wanted, choice)).toBe(false);
        }
        expect(explainConflict(result.conflict).at(-1)).toContain('what you ask for cannot be had');
      }),
      { numRuns: RUNS },
    );
    expect(solved).toBeGreaterThan(RUNS / 20);
    expect(solved).toBeLessThan(RUNS);
  });

  it('finds versions within limits for all together exactly when there are some', async () => {
    const sizes = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat(10));
    await fc.assert(
      fc.asyncProperty(universes, sizes, fc.nat(25), async ({ universe, wanted }, bytes, limit) => {
        // Newer versions are larger, some are refused.
        const sizeOf = (name: string, version: string) => (bytes[name] ?? 1) * Number(version[0]);
        const isRefused = (name: string, version: string) =>
          (bytes[name] ?? 0) === Number(version[2]);
        const catalog = new MemoryCatalog(
          'the test',
          new Map(
            Object.entries(universe).map(([name, versions]) => [
              name,
              new Map(
                Object.entries(versions).map(([version, wishes]) => [
                  version,
                  factsOf(wishes, {
                    memoryMegabytes: sizeOf(name, version),
                    ...(isRefused(name, version) ? { glibc: '9.9' } : {}),
                  }),
                ]),
              ),
            ]),
          ),
        );
        const request: SolveRequest = {
          wanted: new Map(Object.entries(wanted)),
          refusal: ({ needs }) => (needs.glibc === undefined ? undefined : 'is refused'),
          limits: [
            {
              needOf: ({ needs }) => needs.memoryMegabytes,
              limit,
              describe: (size) => `${size} MB`,
            },
          ],
        };
        const fits = (choice: ReadonlyMap<string, string>) =>
          isSolution(universe, wanted, choice) &&
          [...choice].every(([name, version]) => !isRefused(name, version)) &&
          [...choice].reduce((sum, [name, version]) => sum + sizeOf(name, version), 0) <= limit;
        const result = await solve(request, catalog);
        if (result.isSolved) expect(fits(result.versions)).toBe(true);
        else for (const choice of allChoices(universe)) expect(fits(choice)).toBe(false);
      }),
      { numRuns: RUNS },
    );
  });

  it('takes the newest versions, or those that are preferred, and nothing that nobody needs', async () => {
    const universe = {
      app: { '1.0.0': { lib: '^1.0.0' }, '2.0.0': { lib: '>=1.0.0' } },
      lib: { '1.0.0': {}, '1.5.0': {}, '2.0.0': {} },
      other: { '1.0.0': {} },
    };
    const newest = await solveIn(universe, { app: '*' });
    expect(newest).toMatchObject({
      versions: new Map([
        ['app', '2.0.0'],
        ['lib', '2.0.0'],
      ]),
    });
    const kept = await solveIn(universe, { app: '*' }, { preferred: new Map([['lib', '1.5.0']]) });
    expect(kept).toMatchObject({
      versions: new Map([
        ['app', '2.0.0'],
        ['lib', '1.5.0'],
      ]),
    });
  });

  it('goes back from a newest version that cannot be had', async () => {
    const universe = {
      app: { '1.0.0': { lib: '^1.0.0' }, '2.0.0': { lib: '^2.0.0' } },
      lib: { '1.0.0': {}, '2.0.0': { driver: '^3.0.0' } },
      driver: { '1.0.0': {} },
    };
    expect(await solveIn(universe, { app: '*', driver: '*' })).toMatchObject({
      versions: new Map([
        ['app', '1.0.0'],
        ['driver', '1.0.0'],
        ['lib', '1.0.0'],
      ]),
    });
  });

  it('decides on pre-releases as npm does', async () => {
    const universe = { app: { '1.0.0': {}, '1.1.0-rc.1': {} } };
    expect(await solveIn(universe, { app: '*' })).toMatchObject({
      versions: new Map([['app', '1.0.0']]),
    });
    expect(await solveIn(universe, { app: '1.1.0-rc.1' })).toMatchObject({
      versions: new Map([['app', '1.1.0-rc.1']]),
    });
  });
});

describe('a conflict is explained', () => {
  it('when a component does not exist, or no version is in a range', async () => {
    expect(await explanation({}, { app: '^1.0.0' })).toEqual([
      'Because you ask for app ^1.0.0 (there is no component app), what you ask for cannot be had.',
    ]);
    expect(await explanation({ app: { '1.0.0': {}, '1.4.0': {} } }, { app: '^2.0.0' })).toEqual([
      'Because you ask for app ^2.0.0 (versions of app are 1.0.0 to 1.4.0), what you ask for cannot be had.',
    ]);
  });

  it('when two components depend on versions of a third that have nothing in common', async () => {
    const universe = {
      camera: { '1.0.0': { runtime: '^1.0.0' }, '1.1.0': { runtime: '^1.0.0' } },
      model: { '2.0.0': { runtime: '^2.0.0' } },
      runtime: { '1.0.0': {}, '1.9.0': {}, '2.0.0': {} },
    };
    expect(await explanation(universe, { camera: '*', model: '*' })).toMatchInlineSnapshot(`
      [
        "Because every version of camera depends on runtime ^1.0.0 and model 2.0.0 depends on runtime ^2.0.0, model 2.0.0 cannot go with every version of camera.",
        "And because you ask for camera *, model 2.0.0 cannot be installed.",
        "So, because you ask for model *, what you ask for cannot be had.",
      ]
    `);
  });

  it('over several steps, with numbers for what is used later', async () => {
    const universe = {
      app: { '1.0.0': { a: '^1.0.0', b: '^1.0.0' }, '1.1.0': { c: '^1.0.0', d: '^1.0.0' } },
      a: { '1.0.0': { shared: '^1.0.0' } },
      b: { '1.0.0': { shared: '^2.0.0' } },
      c: { '1.0.0': { shared: '^1.0.0' } },
      d: { '1.0.0': { shared: '^2.0.0' } },
      shared: { '1.0.0': {}, '2.0.0': {} },
    };
    expect(await explanation(universe, { app: '*' })).toMatchInlineSnapshot(`
      [
        "Because a 1.0.0 depends on shared ^1.0.0 and b 1.0.0 depends on shared ^2.0.0, b 1.0.0 cannot go with a 1.0.0.",
        "And because app 1.0.0 depends on a ^1.0.0, b 1.0.0 cannot go with app 1.0.0.",
        "And because app 1.0.0 depends on b ^1.0.0, app 1.0.0 cannot be installed (1).",
        "Because c 1.0.0 depends on shared ^1.0.0 and d 1.0.0 depends on shared ^2.0.0, d 1.0.0 cannot go with c 1.0.0.",
        "And because app 1.1.0 depends on c ^1.0.0, d 1.0.0 cannot go with app 1.1.0.",
        "And because app 1.1.0 depends on d ^1.0.0, app 1.1.0 cannot be installed.",
        "And because app 1.0.0 cannot be installed (1), no version of app can be installed.",
        "So, because you ask for app *, what you ask for cannot be had.",
      ]
    `);
  });
});
