import { expect, it } from 'vitest';
import type { CaptureQuery, ResultQuery } from '../../../component/contract/ports.ts';
import { captureStatement } from '../../../component/registry/capture-rows.ts';
import { encodeCursor } from '../../../component/registry/page-cursor.ts';
import { resultStatement } from '../../../component/registry/result-queries.ts';
import type { OpenStore } from './open-store.ts';
import { openStore } from './open-store.ts';

function planOf(
  { store }: OpenStore,
  { sql, parameters }: { sql: string; parameters: readonly unknown[] },
): string {
  const rows = store.db
    .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
    .all(...parameters);
  return rows.map(({ detail }) => detail).join('\n');
}

/** Every combination of the values' presence. */
function combinations<T extends object>(values: T): Partial<T>[] {
  return Object.entries(values).reduce<Partial<T>[]>(
    (sets, [key, value]) => sets.flatMap((set) => [set, { ...set, [key]: value }]),
    [{}],
  );
}

it('no combination of filters scans a table or sorts', async () => {
  const open = await openStore();
  const results = combinations({
    camera: 'walkway',
    model: 'm',
    label: 'person',
    outcome: 'fail' as const,
    fromMs: 1,
    toMs: 2,
    cursor: encodeCursor({ capturedAtMs: 5, key: 9 }),
  }).map((filters) => resultStatement({ ...(filters as Omit<ResultQuery, 'limit'>), limit: 10 }));
  const captures = combinations({
    camera: 'walkway',
    outcome: 'fail' as const,
    cursor: encodeCursor({ capturedAtMs: 5, key: 9 }),
  }).map((filters) => captureStatement({ ...(filters as Omit<CaptureQuery, 'limit'>), limit: 10 }));
  expect(results).toHaveLength(128);
  for (const statement of [...results, ...captures]) {
    const plan = planOf(open, statement);
    expect(plan, statement.sql).not.toContain('TEMP B-TREE');
    for (const scan of plan.match(/SCAN .*/g) ?? []) expect(scan).toContain('USING INDEX');
  }
});

it('a filter seeks in the index that is made for it', async () => {
  const open = await openStore();
  const plan = (query: Omit<ResultQuery, 'limit'>) =>
    planOf(open, resultStatement({ ...query, limit: 10 }));
  expect(plan({ camera: 'a' })).toContain('results_by_camera (camera=?');
  expect(plan({ camera: 'a', outcome: 'fail', fromMs: 1 })).toContain(
    'results_by_camera_outcome (camera=? AND outcome=? AND captured_at_ms>?',
  );
  expect(plan({ model: 'm', toMs: 1 })).toContain('results_by_model (model=? AND captured_at_ms<?');
  expect(plan({ outcome: 'fail' })).toContain('results_by_outcome (outcome=?');
  expect(plan({ label: 'x', fromMs: 1 })).toContain(
    'SEARCH l USING PRIMARY KEY (label=? AND captured_at_ms>?',
  );
  const cursor = encodeCursor({ capturedAtMs: 5, key: 9 });
  expect(plan({ camera: 'a', cursor })).toMatch(
    /results_by_camera \(camera=\? AND .*captured_at_ms/,
  );
});

it('retention finds the oldest without reading the table', async () => {
  const open = await openStore();
  const parameters: unknown[] = [];
  const byCount = 'SELECT key FROM results ORDER BY stored_at_ms, key LIMIT 5';
  const byAge = 'SELECT key FROM results WHERE stored_at_ms < 9 ORDER BY stored_at_ms, key LIMIT 5';
  for (const sql of [byCount, byAge]) {
    const plan = planOf(open, { sql, parameters });
    expect(plan).toContain('results_by_age');
    expect(plan).not.toContain('TEMP B-TREE');
  }
});
