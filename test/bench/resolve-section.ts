import type { VersionFacts } from '../../cloud-publisher/compatibility/component-catalog.ts';
import { MemoryCatalog } from '../../cloud-publisher/compatibility/memory-catalog.ts';
import { explainConflict } from '../../cloud-publisher/compatibility/solver/explain-conflict.ts';
import { solve } from '../../cloud-publisher/compatibility/solver/solve.ts';
import { ms, span } from './number-text.ts';
import type { BenchContext, Section, SectionReport } from './section.ts';

export const resolveSection: Section = {
  name: 'resolve',
  title: 'Finding component versions that go together',
  run: measureResolve,
};

const COMPONENTS = 5000;
const VERSIONS = 50;
const ROUNDS = 5;
const SOLVE_REACH_MS = 1000;
const EXPLAIN_REACH_MS = 2000;

async function measureResolve({ progress }: BenchContext): Promise<SectionReport> {
  progress(`${COMPONENTS} components of ${VERSIONS} versions`);
  const [fitting, conflicting] = [catalogOf(false), catalogOf(true)];
  const solved: number[] = [];
  const explained: number[] = [];
  let sentences = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const begin = performance.now();
    const result = await solve({ wanted: new Map([['c0', '*']]) }, fitting);
    solved.push(performance.now() - begin);
    if (!result.isSolved || result.versions.size !== COMPONENTS) {
      throw new Error('the catalogue was not solved as a whole');
    }
    const start = performance.now();
    const refused = await solve({ wanted: new Map([['c0', '*']]) }, conflicting);
    if (refused.isSolved) throw new Error('a conflict was not found');
    sentences = explainConflict(refused.conflict).length;
    explained.push(performance.now() - start);
  }
  const rows = [
    ['solved, every component in it', ms(median(solved)), spanOf(solved)],
    [`conflict proven, in ${sentences} sentences`, ms(median(explained)), spanOf(explained)],
  ];
  return {
    method: `${COMPONENTS} components of ${VERSIONS} versions each, in memory; each depends on two others below it and on one anywhere, with ranges that move on every ten versions. All are installed. In the conflict the last two want different major versions of one component. ${ROUNDS} rounds.`,
    tables: [
      {
        columns: ['work', 'time', 'by round'],
        rows,
        says: `A solution takes ${ms(median(solved))}, a conflict with its explanation ${ms(median(explained))}.`,
      },
    ],
    targets: [
      target('resolution over 5,000 components × 50 versions', solved, SOLVE_REACH_MS),
      target('a conflict explained', explained, EXPLAIN_REACH_MS),
    ],
  };
}

const target = (what: string, times: readonly number[], reachMs: number) => ({
  what,
  reach: `≤ ${ms(reachMs)}`,
  got: ms(median(times)),
  byRound: spanOf(times),
  isReached: median(times) <= reachMs,
  missedBy: `${(median(times) / reachMs).toFixed(1)} times`,
});

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1]!;
const spanOf = (values: readonly number[]): string =>
  span(Math.min(...values), Math.max(...values));

function catalogOf(hasConflict: boolean): MemoryCatalog {
  let state = 1;
  const random = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  const components = new Map<string, ReadonlyMap<string, VersionFacts>>();
  for (let index = 0; index < COMPONENTS; index += 1) {
    const below = [2 * index + 1, 2 * index + 2].filter((one) => one < COMPONENTS);
    const anywhere = index + 1 + random(COMPONENTS);
    if (anywhere < COMPONENTS) below.push(anywhere);
    const isEnd = hasConflict && index >= COMPONENTS - 2;
    const versions = new Map<string, VersionFacts>();
    for (let minor = 0; minor < VERSIONS; minor += 1) {
      const range = `>=1.${10 * Math.floor(minor / 10)}.0 <2.0.0`;
      const wishes = below.map((one) => [`c${one}`, { range, isSoft: false }] as const);
      const shared = { range: index % 2 === 0 ? '^1.0.0' : '^2.0.0', isSoft: false };
      versions.set(`1.${minor}.0`, factsOf(isEnd ? [...wishes, ['shared', shared]] : wishes));
    }
    components.set(`c${index}`, versions);
  }
  components.set('shared', new Map(['1.0.0', '2.0.0'].map((one) => [one, factsOf([])])));
  return new MemoryCatalog('the benchmark', components);
}

const factsOf = (
  wishes: readonly (readonly [string, { readonly range: string; readonly isSoft: boolean }])[],
): VersionFacts => ({
  dependencies: new Map(wishes),
  platforms: [{ runtime: '*' }],
  needs: {},
  type: 'aws.greengrass.generic',
});
