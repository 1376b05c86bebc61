import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountsOf } from '../../soak/accounts.ts';
import type { Injected, Part } from '../../soak/faults.ts';
import type { RaisedEdge, SentTrigger } from '../../soak/load.ts';
import type { SoakRun } from '../../soak/soak-run.ts';
import type { AskedDeadline } from '../../soak/station.ts';
import { gapsOf, type Sample } from '../../soak/watch.ts';

const START = 1_000_000;
let folder: string;
let database: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'vedette-accounts-'));
  database = path.join(folder, 'registry.db');
  const db = new Database(database);
  db.exec(`CREATE TABLE results (id TEXT);
    CREATE TABLE output_records (output TEXT, result_id TEXT, ended_at_ms INTEGER, json TEXT);
    CREATE TABLE transactions (id TEXT, trigger_id TEXT, opened_at_ms INTEGER, json TEXT, ending TEXT, reason TEXT, outcome TEXT, ended_at_ms INTEGER)`);
  db.close();
});
afterEach(() => rm(folder, { recursive: true }));

/** Sampled twice a second, with so many frames of each camera delivered and judged. */
const samples = (delivered: readonly number[], judged = delivered): Sample[] =>
  delivered.map((count, index) => {
    const camera = { state: 'running', delivered: count, judged: judged[index]!, dropped: {} };
    return {
      atMs: START + index * 500,
      life: 0,
      cameras: { gate: camera, belt: camera, dock: camera },
      ...{ residentBytes: 1, descriptors: 1, children: 1 },
    };
  });

const run = (parts: Partial<SoakRun>): SoakRun => ({
  ...{ fromMs: START, toMs: START + 60_000, samples: [], injected: [], triggers: [] },
  ...{ edges: [], pictures: [] },
  lives: [{ fromMs: START - 60_000, toMs: undefined, end: undefined }],
  told: { hook: new Set(), verdicts: new Set(), sorter: [] },
  configuration: {
    deadlines: [{ deadlineMs: 1500, askedMs: -Infinity, inForceMs: -Infinity }],
    problems: [],
  },
  database,
  ...parts,
});

const trigger = (more: Partial<SentTrigger> = {}): SentTrigger => ({
  ...{ id: 'a', way: 'http, verdict', sentMs: START + 20_000, tookMs: 50 },
  ...more,
});

const fault = (part: Part, fromMs: number, toMs: number): Injected => ({
  ...{ name: `${part} is away`, affects: [part], fromMs, toMs, allowedUntilMs: toMs + 1000 },
});

function store(statement: string, ...values: readonly unknown[]): void {
  const db = new Database(database);
  db.prepare(statement).run(...values);
  db.close();
}

interface Stored {
  readonly id: string;
  readonly ending: string | null;
  readonly triggerId?: string;
  readonly source?: string;
  readonly product?: string;
  readonly reason?: string;
  readonly outcome?: string;
}

/** Of trigger `a`, 20 seconds after the start, with its result. */
function storeTransaction(one: Stored): void {
  const { id, ending, triggerId = 'a', source = 'http', product, reason = null } = one;
  const json = JSON.stringify({
    deadlineMs: 1500,
    source,
    ...(product === undefined ? {} : { context: { product } }),
  });
  const endedAtMs = ending === null ? null : START + 20_100;
  store(
    'INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    ...[id, triggerId, START + 20_000, json, ending, reason, one.outcome ?? null, endedAtMs],
  );
  store('INSERT INTO results VALUES (?)', id);
}

/** Of verdict 1, when it was. */
function storeRecord(output: string, record: { end: string; detail: string }): void {
  const json = JSON.stringify({ ...record, atMs: START + 20_000, attempts: 1 });
  store('INSERT INTO output_records VALUES (?, ?, ?, ?)', output, '1', START + 20_100, json);
}

it('a silence that no fault explains is told, one with a fault is not', () => {
  const silent = samples([1, 2, 3, 3, 3, 3, 3, 3, 4, 5]);
  expect(gapsOf(silent, 2000).map(({ fromMs, toMs }) => toMs - fromMs)).toEqual([3000, 3000, 3000]);
  expect(accountsOf(run({ samples: silent })).unexplained).toHaveLength(3);
  const injected = [
    {
      ...{ name: 'cut', affects: ['gate', 'belt', 'dock'] as const, fromMs: START + 1000 },
      ...{ toMs: START + 3000, allowedUntilMs: START + 4000 },
    },
  ];
  expect(accountsOf(run({ samples: silent, injected })).unexplained).toEqual([]);
});

it('a fault does not explain a silence that goes on after it', () => {
  const silent = samples([1, 2, ...Array.from({ length: 20 }, () => 2), 3]);
  const injected = [
    {
      ...{ name: 'cut', affects: ['gate', 'belt', 'dock'] as const, fromMs: START + 500 },
      ...{ toMs: START + 1000, allowedUntilMs: START + 2000 },
    },
  ];
  const { unexplained } = accountsOf(run({ samples: silent, injected }));
  expect(unexplained.filter((text) => text.includes('longer than its faults'))).toHaveLength(3);
  expect(unexplained.filter((text) => text.includes('while it said «running»'))).toHaveLength(3);
});

it('frames that are neither judged nor dropped are told', () => {
  const { unexplained } = accountsOf(run({ samples: samples([5, 50], [5, 10]) }));
  expect(unexplained).toHaveLength(3);
  expect(unexplained[0]).toContain('40 neither judged nor dropped');
});

it('a trigger that was answered and is not stored is told, and one that has two ends, another outcome or no end', () => {
  const lost = accountsOf(run({ triggers: [trigger({ status: 200, outcome: 'pass' })] }));
  expect(lost.unexplained.join()).toContain('is not in the registry');
  storeTransaction({ id: '1', ending: 'answered', outcome: 'fail' });
  storeTransaction({ id: '2', ending: null });
  const { unexplained } = accountsOf(
    run({ triggers: [trigger({ status: 200, outcome: 'pass' })] }),
  );
  expect(unexplained.join()).toContain('has 2 transactions');
  expect(unexplained.join()).toContain('was answered pass, and fail is stored');
});

it('a trigger that is refused needs a flood, one that vanished a fault, and nothing is stored that was not sent', () => {
  const triggers = [trigger({ status: 503, code: 'TRIGGER_DROPPED' })];
  const flood = fault('triggers', START + 19_000, START + 21_000);
  expect(accountsOf(run({ triggers, injected: [flood] })).unexplained).toEqual([]);
  expect(accountsOf(run({ triggers })).unexplained.join()).toContain('TRIGGER_DROPPED, and no');
  expect(accountsOf(run({ triggers: [trigger()] })).unexplained.join()).toContain('was lost');
  storeTransaction({ id: '1', triggerId: 'z', ending: 'dropped' });
  expect(accountsOf(run({})).unexplained.join()).toContain('trigger z (http, at 20.0 s) was never');
});

it('a fail-safe verdict needs a fault of its camera', () => {
  storeTransaction({ id: '1', ending: 'fail-safe', reason: 'TRIGGER_DEADLINE: late' });
  const injected = [fault('dock', START + 19_000, START + 20_500)];
  const ends = (parts: Partial<SoakRun>) =>
    accountsOf(run({ triggers: [trigger()], ...parts })).unexplained.filter((text) =>
      text.includes('ended fail-safe'),
    );
  expect(ends({ injected })).toEqual([]);
  expect(ends({ injected: [fault('gate', START, START + 60_000)] })).toHaveLength(1);
});

it('what could not be written is lost with the process alone, and only what was answered while the disk hung', () => {
  const answered = [trigger({ status: 200, outcome: 'pass' })];
  const disk = fault('disk', START + 19_500, START + 21_500);
  const lives = [{ fromMs: START - 60_000, toMs: START + 22_000, end: 'SIGKILL' }];
  const lost = (parts: Partial<SoakRun>) => accountsOf(run({ triggers: answered, ...parts }));
  expect(lost({ injected: [disk], lives }).unexplained).toEqual([]);
  expect(lost({ injected: [disk] }).unexplained.join()).toContain('is not in the registry');
  const early = fault('disk', START + 21_500, START + 22_000);
  expect(lost({ injected: [early], lives }).unexplained.join()).toContain('not in the registry');
  const unpromised = [
    trigger({ way: 'http, accepted', status: 503, code: 'REGISTRY_UNAVAILABLE' }),
  ];
  storeTransaction({ id: '1', ending: 'answered' });
  const refused = (injected: Injected[]) =>
    lost({ triggers: unpromised, injected }).unexplained.filter((text) => /refused/.test(text));
  expect(refused([disk])).toEqual([]);
  expect(refused([])).toHaveLength(1);
});

it('a deadline holds from when it is in force until another one is asked for', () => {
  storeTransaction({ id: '1', ending: 'answered' });
  const ends = (...later: AskedDeadline[]) => {
    const first = { deadlineMs: 1500, askedMs: -Infinity, inForceMs: -Infinity };
    const configuration = { deadlines: [first, ...later], problems: [] };
    return accountsOf(run({ triggers: [trigger()], configuration })).unexplained.filter((text) =>
      text.includes('deadline'),
    );
  };
  const asked = { deadlineMs: 1400, askedMs: START + 19_000 };
  expect(ends()).toEqual([]);
  expect(ends(asked)).toEqual([]);
  expect(ends({ ...asked, inForceMs: START + 20_500 })).toEqual([]);
  expect(ends({ ...asked, inForceMs: START + 19_500 })).toEqual([
    'trigger a (at 20.0 s) has a deadline of 1500 ms, and 1400 ms was in force',
  ]);
});

it('a camera that is opened anew counts from 0, and its frames before are counted too', () => {
  const { counts, gaps } = accountsOf(run({ samples: samples([90, 100, 0, 2, 4, 6, 8, 10]) }));
  expect(gaps).toEqual([]);
  expect(counts['frames of gate']).toMatchObject({ judged: 110 });
});

describe('an edge of the PLC', () => {
  const edge: RaisedEdge = {
    ...{ part: 7, raisedMs: START + 20_000, loweredMs: START + 20_500, isWatched: true },
  };
  const told = (parts: Partial<SoakRun>) =>
    accountsOf(run({ edges: [edge], ...parts })).unexplained.filter((text) => /PLC/.test(text));

  it('that somebody looked at has its transaction, unless the cable was pulled within it', () => {
    expect(told({})).toEqual([
      'part 7 of the PLC (at 20.0 s) was looked at and has no transaction, and no fault',
    ]);
    expect(told({ injected: [fault('plc', START + 20_200, START + 21_000)] })).toEqual([]);
    expect(told({ injected: [fault('plc', START + 19_000, START + 20_200)] })).toHaveLength(1);
    storeTransaction({ id: '1', source: 'plc', product: '7', ending: 'answered' });
    expect(told({})).toEqual([]);
  });

  it('that nobody looked at needs a PLC or a runtime that was away', () => {
    const edges = [{ ...edge, isWatched: false }];
    expect(told({ edges })[0]).toContain('while nobody was connected, and no fault');
    expect(told({ edges, injected: [fault('plc', START + 19_000, START + 20_200)] })).toEqual([]);
  });

  it('has one, and no other part has it', () => {
    storeTransaction({ id: '1', source: 'plc', product: '7', ending: 'answered' });
    storeTransaction({ id: '2', source: 'plc', product: '7', ending: 'answered' });
    storeTransaction({ id: '3', source: 'plc', product: '8', ending: 'answered' });
    expect(told({})).toEqual([
      'part 7 of the PLC (at 20.0 s) has 2 transactions',
      'trigger a of the PLC (at 20.0 s) has no edge of its own',
    ]);
  });
});

describe('a verdict', () => {
  const outputs = (parts: Partial<SoakRun> = {}) =>
    accountsOf(run({ triggers: [trigger()], ...parts })).unexplained;

  it('that an output was never told, or that never arrived, is told', () => {
    storeTransaction({ id: '1', ending: 'answered' });
    storeRecord('hook', { end: 'acknowledged', detail: '200' });
    const unexplained = outputs().join();
    expect(unexplained).toContain('is acknowledged and never arrived (hook)');
    expect(unexplained).toContain('was never told, and no kill (verdicts)');
  });

  it('is given up when its receiver was away, and not otherwise', () => {
    storeTransaction({ id: '1', ending: 'answered' });
    storeRecord('sorter', { end: 'given-up', detail: 'refused' });
    const given = (injected: Injected[]) =>
      outputs({ injected }).filter((text) => text.includes('given up'));
    expect(given([fault('plc', START + 18_000, START + 19_500)])).toEqual([]);
    expect(given([fault('plc', START + 18_000, START + 18_500)])).toHaveLength(1);
    expect(given([fault('receiver', START, START + 60_000)])).toHaveLength(1);
  });

  it('that the PLC acknowledged was written there, once', () => {
    storeTransaction({ id: '1', ending: 'answered' });
    storeRecord('sorter', {
      end: 'acknowledged',
      detail: 'holding-register 40 of 127.0.0.1:1 = 2',
    });
    const written = (...values: number[]) =>
      outputs({
        told: {
          ...{ hook: new Set(), verdicts: new Set() },
          sorter: values.map((value) => ({ atMs: START + 20_050, value })),
        },
      }).filter((text) => text.includes('PLC'));
    expect(written(2)).toEqual([]);
    expect(written(3)).toEqual([
      '3 was written to the PLC at 20.1 s, and no verdict tells of it',
      'verdict 1 at 20.1 s is acknowledged and never was in the PLC',
    ]);
    expect(written(2, 2)).toHaveLength(1);
  });
});

it('a runtime that ended by itself is told', () => {
  const lives = [{ fromMs: START, toMs: START + 5000, end: 'ended by itself with 1' }];
  expect(accountsOf(run({ lives })).unexplained).toEqual([
    'the runtime ended by itself with 1 at 5.0 s',
  ]);
});
