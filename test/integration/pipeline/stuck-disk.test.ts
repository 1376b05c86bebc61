import { cp, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TriggerAnswer, TriggerRequest } from '../../../component/contract/transaction.ts';
import { samplesFolder, startRuntime, type RunningRuntime } from '../../support/real-runtime.ts';

const HOLD_MS = process.env['VEDETTE_DEEP'] === '1' ? 12_000 : 0;
/** More than results may be on their way to the disk, and more than a camera has slots. */
const PARTS = 12;
const FRAMES = 20;

let folder: string;
let running: RunningRuntime;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vedette-stuck-disk-'));
  const pictures = (name: string) => join(samplesFolder, 'images', 'brick', name);
  await cp(pictures('good-00.png'), join(folder, 'both', 'good.png'));
  await cp(pictures('defect-00.png'), join(folder, 'both', 'defect.png'));
  const from = (name: string) => ({
    ...{ kind: 'folder' as const, path: join(folder, name), framesPerSecond: 50 },
  });
  const trigger = { deadlineMs: 5000, afterMs: 5000, failSafe: 'fail' as const };
  running = await startRuntime(folder, {
    models: { brick: { package: join(samplesFolder, 'models', 'brick-anomaly') } },
    cameras: {
      line: { model: 'brick', policy: 'triggered', source: from('both'), trigger },
      belt: { model: 'brick', policy: 'newest', source: from('both') },
      dead: {
        ...{ model: 'brick', policy: 'triggered', source: from('absent') },
        trigger: { deadlineMs: 300, afterMs: 300 },
      },
    },
    rules: {
      'line-defect': { camera: 'line', kind: 'anomaly' },
    },
    captures: {
      parts: { camera: 'line', outcomes: { fail: true } },
    },
  });
}, 60_000);
afterAll(() => running.close());

const trigger = (camera: string, request: Partial<TriggerRequest> = {}): TriggerAnswer =>
  running.runtime.trigger(camera, { source: 'http', ...request });

function openDatabase(): SqliteDatabase.Database {
  return new SqliteDatabase(join(folder, 'data', 'registry.db'));
}

/** Until it is called, nothing else writes to the database: who tries waits in the system. */
function holdDisk(): () => void {
  const db = openDatabase();
  db.exec('BEGIN IMMEDIATE');
  return () => db.exec('ROLLBACK').close();
}

function storedCount(camera: string): number {
  const db = openDatabase();
  const { count } = db
    .prepare<[string], { count: number }>('SELECT count(*) AS count FROM results WHERE camera = ?')
    .get(camera)!;
  db.close();
  return count;
}

it('who asks again is told that a trigger is on the disk only when it is', async () => {
  const db = openDatabase();
  db.exec(
    `CREATE TRIGGER refuse BEFORE INSERT ON transactions WHEN NEW.trigger_id = 'refused'
     BEGIN SELECT RAISE(ABORT, 'it is refused'); END`,
  );
  const ask = () => trigger('dead', { id: 'refused', isPromised: true });
  const refusal = { code: 'INTERNAL', message: expect.stringContaining('it is refused') as string };
  const first = ask();
  await expect(first.accepted).rejects.toMatchObject(refusal);
  await expect(ask().accepted).rejects.toMatchObject(refusal);
  expect((await first.answer).transaction).toMatchObject({ isFailSafe: true });
  const again = ask();
  expect(again.isRepeated).toBe(true);
  await expect(again.accepted).rejects.toMatchObject(refusal);
  db.exec('DROP TRIGGER refuse').close();
  await trigger('dead', { id: 'taken', isPromised: true }).accepted;
  await trigger('dead', { id: 'taken', isPromised: true }).accepted;
});

it('a trigger whose result is not stored has no end in the registry', async () => {
  const db = openDatabase();
  const unstored = trigger('dead');
  const { id } = unstored.transaction;
  db.exec(
    `CREATE TRIGGER refuse BEFORE INSERT ON results WHEN NEW.id = '${id}'
     BEGIN SELECT RAISE(ABORT, 'it is refused'); END`,
  );
  expect((await unstored.answer).transaction).toMatchObject({ isFailSafe: true });
  // What is written later shows that it was not written meanwhile.
  const other = trigger('dead');
  await other.answer;
  const endOf = async ({ transaction }: TriggerAnswer) =>
    (await running.runtime.transaction(transaction.id)).end;
  await expect.poll(() => endOf(other)).toBe('fail-safe');
  expect(await endOf(unstored)).toBeUndefined();
  db.exec('DROP TRIGGER refuse').close();
});

it('triggers are answered and frames judged while the disk hangs, and all is stored afterwards', async () => {
  const { runtime } = running;
  await trigger('line').answer;
  const storedBefore = storedCount('line');
  const judgedBefore = runtime.camera('belt').framesJudged;

  const release = holdDisk();
  const heldUntilMs = performance.now() + HOLD_MS;
  const opened: TriggerAnswer[] = [];
  try {
    const unrecorded = trigger('dead', { isPromised: true });
    let fails = 0;
    while (opened.length < PARTS || fails === 0 || performance.now() < heldUntilMs) {
      const part = trigger('line', { id: `part-${opened.length}`, isPromised: true });
      opened.push(part);
      const { transaction, verdict } = await part.verdict;
      expect(transaction).toMatchObject({ isFailSafe: false });
      if (verdict.outcome === 'fail') fails += 1;
    }
    await expect
      .poll(() => runtime.camera('belt').framesJudged, { timeout: 20_000 })
      .toBeGreaterThan(judgedBefore + FRAMES);
    for (const answer of await Promise.all(opened.map((part) => part.answer))) {
      expect(answer.cameraSequence).toBeUndefined();
    }
    const repeated = trigger('line', { id: 'part-0' });
    expect(repeated.isRepeated).toBe(true);
    expect((await repeated.answer).id).toBe(opened[0]!.transaction.id);
    await expect(unrecorded.accepted).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
    expect(storedCount('line')).toBe(storedBefore);
  } finally {
    release();
  }

  const judged = runtime.camera('belt').framesJudged;
  await expect.poll(() => storedCount('belt'), { timeout: 20_000 }).toBeGreaterThanOrEqual(judged);
  let fails = 0;
  for (const { transaction, verdict } of opened) {
    const { id, verdict: given } = await verdict;
    const end = { end: 'answered', resultId: id, outcome: given.outcome };
    await expect
      .poll(() => runtime.transaction(transaction.id).catch(() => undefined), { timeout: 20_000 })
      .toMatchObject(end);
    await expect.poll(() => runtime.result(id).catch(() => undefined)).toMatchObject({ id });
    if (given.outcome === 'fail') fails += 1;
  }
  expect(fails).toBeGreaterThan(0);
  const stored = new Set(opened.map((part) => part.transaction.id));
  await expect
    .poll(
      async () => {
        const { items } = await runtime.captures({ camera: 'line', limit: 1000 });
        return items.filter(({ resultId }) => stored.has(resultId)).length;
      },
      { timeout: 20_000 },
    )
    .toBe(fails);
  expect(storedCount('line')).toBe(storedBefore + opened.length);
  expect((await runtime.metrics()).text).not.toMatch(
    /^vedette_results_not_stored_total\{camera="(?:line|belt)"/m,
  );
}, 120_000);
