import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { accountsOf, type SoakRun } from '../../soak/accounts.ts';
import type { SentTrigger } from '../../soak/load.ts';
import { gapsOf, type Sample } from '../../soak/watch.ts';

const START = 1_000_000;
let folder: string;
let database: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'vedette-accounts-'));
  database = path.join(folder, 'registry.db');
  const db = new Database(database);
  db.exec(`CREATE TABLE results (id TEXT);
    CREATE TABLE output_records (output TEXT, result_id TEXT, json TEXT);
    CREATE TABLE transactions (id TEXT, trigger_id TEXT, ending TEXT, reason TEXT, outcome TEXT, ended_at_ms INTEGER)`);
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
  ...{ fromMs: START, toMs: START + 60_000, samples: [], injected: [], triggers: [], pictures: [] },
  lives: [{ fromMs: START - 60_000, toMs: undefined, end: undefined }],
  told: { hook: new Set(), verdicts: new Set() },
  database,
  ...parts,
});

const trigger = (more: Partial<SentTrigger> = {}): SentTrigger => ({
  ...{ id: 'a', way: 'http, verdict', sentMs: START + 20_000, tookMs: 50 },
  ...more,
});

function store(statement: string): void {
  const db = new Database(database);
  db.exec(statement);
  db.close();
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
  store(`INSERT INTO results VALUES ('1'), ('2');
    INSERT INTO transactions VALUES ('1', 'a', 'answered', NULL, 'fail', NULL), ('2', 'a', NULL, NULL, NULL, NULL)`);
  const { unexplained } = accountsOf(
    run({ triggers: [trigger({ status: 200, outcome: 'pass' })] }),
  );
  expect(unexplained.join()).toContain('has 2 transactions');
  expect(unexplained.join()).toContain('was answered pass, and fail is stored');
});

it('a trigger that was refused with a code is accounted for, one that vanished is not', () => {
  const refused = trigger({ status: 503, code: 'TRIGGER_DROPPED' });
  expect(accountsOf(run({ triggers: [refused] })).unexplained).toEqual([]);
  expect(accountsOf(run({ triggers: [trigger()] })).unexplained.join()).toContain('was lost');
});

it('a verdict that an output was never told, or that never arrived, is told', () => {
  store(`INSERT INTO results VALUES ('1');
    INSERT INTO transactions VALUES ('1', 'a', 'answered', NULL, 'fail', ${START + 20_000});
    INSERT INTO output_records VALUES ('hook', '1', '{"end": "acknowledged", "detail": "200"}')`);
  const { unexplained } = accountsOf(run({}));
  expect(unexplained.join()).toContain('is acknowledged and never arrived (hook)');
  expect(unexplained.join()).toContain('was never told, and no kill (verdicts)');
});

it('a runtime that ended by itself is told', () => {
  const lives = [{ fromMs: START, toMs: START + 5000, end: 'ended by itself with 1' }];
  expect(accountsOf(run({ lives })).unexplained).toEqual([
    'the runtime ended by itself with 1 at 5.0 s',
  ]);
});
