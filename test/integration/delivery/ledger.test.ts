import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { VedetteError } from '../../../component/contract/errors.ts';
import { LedgerWriter } from '../../../component/delivery/ledger-writer.ts';
import { FolderObjects } from '../../../component/object-store/folder-objects.ts';
import type { ObjectStore } from '../../../component/object-store/object-store.ts';
import { openS3, S3Objects } from '../../../component/object-store/s3-objects.ts';
import { LedgerRows } from '../../../component/registry/outbox/ledger-rows.ts';
import { Registry } from '../../../component/registry/registry.ts';
import { everything, upTo } from '../../support/delivery-parts.ts';
import { BUCKET, EmulatedAws, REGION } from '../../support/emulated-aws/emulated-aws.ts';
import { failure } from '../../support/emulated-aws/s3-server.ts';
import { gapsOf, readLedger, type ReadLedger } from '../../support/ledger-reader.ts';
import { sampleResult } from '../registry/sample-result.ts';
import { temporaryFolder } from '../registry/temporary-registry.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Place {
  readonly store: ObjectStore;
  read(): Promise<ReadLedger>;
}

async function openFolder(): Promise<Place> {
  const folder = await temporaryFolder();
  return {
    store: new FolderObjects(folder),
    read: async () => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      const files = entries
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => path.join(parentPath, name));
      const read = files.map(
        async (file) => [path.relative(folder, file), await readFile(file)] as const,
      );
      return readLedger(new Map(await Promise.all(read)));
    },
  };
}

async function openBucket(): Promise<Place & { readonly aws: EmulatedAws }> {
  const aws = await EmulatedAws.start();
  closing.push(() => aws.close());
  Object.assign(process.env, aws.environment());
  const store = new S3Objects({ client: openS3(REGION), bucket: BUCKET, prefix: 'line-3' });
  closing.push(async () => store.close());
  const prefix = `${BUCKET}/line-3/`;
  return {
    aws,
    store,
    read: async () =>
      readLedger(
        new Map([...aws.s3.objects].map(([id, { data }]) => [id.slice(prefix.length), data])),
      ),
  };
}

async function openRegistry(folder?: string): Promise<Registry> {
  const registry = await Registry.open({
    dataFolder: folder ?? (await temporaryFolder()),
    outbox: { ...everything, sendsMessages: false, hasLedger: true },
    onNotice: () => undefined,
  });
  closing.push(() => registry.close());
  return registry;
}

async function append(
  registry: Registry,
  count: number,
  outcome: 'pass' | 'fail' = 'pass',
): Promise<void> {
  await Promise.all(
    upTo(count).map((one) =>
      registry.appendResult(sampleResult({ camera: one % 2 === 0 ? 'dock' : 'gate', outcome }), {
        durability: 'stream',
      }),
    ),
  );
}

function write(
  registry: Registry,
  store: ObjectStore,
  onProblem: (error: VedetteError | undefined) => void = () => undefined,
  maxBatchBytes = 20_000,
): LedgerWriter {
  const ledger = { isEnabled: true, intervalSeconds: 1, maxBatchBytes };
  const writer = new LedgerWriter({ registry, store, thing: 'station-7', ledger, onProblem });
  writer.start();
  closing.push(() => writer.close());
  return writer;
}

const isEmpty = (registry: Registry) =>
  expect
    .poll(async () => (await registry.outboxStatistics()).waiting, { timeout: 20_000 })
    .toEqual({ alarms: 0, others: 0, bytes: 0 });

describe.each([
  ['a folder', openFolder],
  ['S3', openBucket],
])('the ledger in %s', (_, open) => {
  test('holds every result once, in batches that leave no gap, and then the outbox is empty', async () => {
    const place = await open();
    const registry = await openRegistry();
    await append(registry, 200);
    write(registry, place.store);
    await isEmpty(registry);
    await append(registry, 50);
    await isEmpty(registry);
    // The manifest follows its batch.
    await expect.poll(async () => (await place.read()).lines.length).toBe(250);
    const { manifests, lines } = await place.read();
    expect(new Set(lines.map(({ id }) => id)).size).toBe(250);
    for (const camera of ['dock', 'gate']) {
      expect(gapsOf(lines, camera)).toEqual([]);
      const sequences = lines.filter((one) => one.camera === camera).map((one) => one.sequence);
      expect(sequences).toEqual(upTo(125));
    }
    const batches = manifests.flatMap((one) => one.batches);
    expect(batches.length).toBeGreaterThan(5);
    expect((await registry.outboxStatistics()).lastBatch).toEqual(batches.at(-1));
  });
});

describe('the ledger in S3', () => {
  test('a batch whose answer was lost is put again under the same name, by another process too', async () => {
    const { aws, store, read } = await openBucket();
    const dataFolder = await temporaryFolder();
    const registry = await openRegistry(dataFolder);
    await append(registry, 30);
    aws.s3.faults.push({ operation: 's3:PutObject', answer: 'cut', isAfter: true });
    const problems: VedetteError[] = [];
    const writer = write(registry, store, (error) => error && problems.push(error));
    await expect.poll(() => aws.s3.objects.size, { timeout: 20_000 }).toBe(1);
    const [first] = aws.s3.objects.keys();
    await Promise.race([writer.close(), new Promise((resolve) => setTimeout(resolve, 500))]);
    await registry.close();
    aws.s3.faults.length = 0;
    const again = await openRegistry(dataFolder);
    await append(again, 10);
    write(again, store);
    await isEmpty(again);
    await expect.poll(async () => (await read()).lines.length).toBe(40);
    const { lines } = await read();
    expect(new Set(lines.map(({ id }) => id)).size).toBe(40);
    expect([...aws.s3.objects.keys()]).toContain(first);
  });

  test('what S3 refuses is told and tried again until it is allowed', async () => {
    const { aws, store, read } = await openBucket();
    const registry = await openRegistry();
    await append(registry, 20);
    aws.denied.add('s3:PutObject');
    const problems: (VedetteError | undefined)[] = [];
    write(registry, store, (error) => problems.push(error));
    await expect.poll(() => problems.at(-1)?.code, { timeout: 10_000 }).toBe('AWS_ACCESS_DENIED');
    expect((await registry.outboxStatistics()).waiting.others).toBe(20);
    aws.denied.clear();
    aws.s3.faults.push({ operation: 's3:PutObject', answer: failure(503, 'SlowDown'), times: 2 });
    await isEmpty(registry);
    await expect.poll(() => problems.at(-1)).toBe(undefined);
    await expect.poll(async () => (await read()).lines.length).toBe(20);
  });
});

test('what a receiver confirmed stays until a batch has it: the ledger has no gap', async () => {
  const place = await openFolder();
  const registry = await Registry.open({
    dataFolder: await temporaryFolder(),
    outbox: { ...everything, hasLedger: true, hasAcknowledgements: true },
    onNotice: () => undefined,
  });
  closing.push(() => registry.close());
  await append(registry, 20);
  for (const camera of ['dock', 'gate']) {
    await registry.acknowledgeMessages({ camera, sequence: 10 });
  }
  await registry.settleMessages([]);
  expect((await registry.outboxStatistics()).waiting.others).toBe(20);
  write(registry, place.store);
  await isEmpty(registry);
  await expect.poll(async () => (await place.read()).lines.length).toBe(20);
});

test('a batch made in the oldest hour that is remembered goes into the newest manifest', async () => {
  const dataFolder = await temporaryFolder();
  const registry = await openRegistry(dataFolder);
  await append(registry, 1);
  await registry.close();
  const db = new SqliteDatabase(path.join(dataFolder, 'registry.db'));
  onTestFinished(() => void db.close());
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 21, 9, 30) });
  onTestFinished(() => void vi.useRealTimers());
  const add = db.prepare(
    "INSERT INTO ledger_batches (first_key, last_key, hour, stored) VALUES (?, ?, ?, '{}')",
  );
  const rows = new LedgerRows(db, 'station-7');
  const hour = () => {
    const plan = rows.plan(1, true);
    db.exec('DELETE FROM ledger_batches WHERE stored IS NULL');
    return plan?.hour;
  };
  expect(hour()).toBe('2026-11-21T09');
  // Of 09 some batches may be forgotten: its manifest would lose them.
  add.run(-20, -11, '2026-11-21T09');
  expect(hour()).toBe('2026-11-21T09');
  add.run(-10, -1, '2026-11-21T11');
  expect(hour()).toBe('2026-11-21T11');
  vi.setSystemTime(Date.UTC(2026, 10, 21, 10));
  expect(hour()).toBe('2026-11-21T10');
});

test('what was given up to stay within the budget is a gap that the ledger explains', async () => {
  const place = await openFolder();
  const registry = await Registry.open({
    dataFolder: await temporaryFolder(),
    outbox: { ...everything, sendsMessages: false, hasLedger: true, maxBytes: 100_000 },
    onNotice: (notice) => notices.push(notice.error.code),
  });
  const notices: string[] = [];
  closing.push(() => registry.close());
  await append(registry, 1000);
  const { waiting, givenUp } = await registry.outboxStatistics();
  expect(waiting.bytes).toBeLessThanOrEqual(100_000 + 50_000);
  expect(givenUp.budget).toBeGreaterThan(700);
  expect(notices).toContain('DELIVERY_GIVEN_UP');
  write(registry, place.store);
  await isEmpty(registry);
  const hasAll = ({ lines }: ReadLedger): boolean =>
    lines.filter(({ kind }) => kind === 'result').length + givenUp.budget === 1000 &&
    unexplainedGaps(lines).length === 0;
  await expect.poll(async () => hasAll(await place.read())).toBe(true);
});

test('so are alarms, whose given-up messages are given up themselves', async () => {
  const place = await openFolder();
  const registry = await Registry.open({
    dataFolder: await temporaryFolder(),
    outbox: { ...everything, sendsMessages: false, hasLedger: true, maxBytes: 30_000 },
    onNotice: () => undefined,
  });
  closing.push(() => registry.close());
  for (const _ of upTo(8)) await append(registry, 30, 'fail');
  const { givenUp } = await registry.outboxStatistics();
  expect(givenUp.budget).toBeGreaterThan(150);
  write(registry, place.store);
  await isEmpty(registry);
  // A part of the ledger is read once the list of its hour, which is written last, names it.
  await expect
    .poll(async () => {
      const { lines } = await place.read();
      return lines.some(({ kind }) => kind === 'given-up') && unexplainedGaps(lines).length === 0;
    })
    .toBe(true);
  expect(gapsOf((await place.read()).lines, 'dock')).toContain(1);
});

function unexplainedGaps(lines: ReadLedger['lines']): number[] {
  return ['dock', 'gate'].flatMap((camera) => {
    const explained = lines.flatMap((one) =>
      one.camera === camera && one.kind === 'given-up' ? [one.givenUp] : [],
    );
    return gapsOf(lines, camera).filter(
      (gap) => !explained.some((one) => gap >= one.firstSequence && gap <= one.lastSequence),
    );
  });
}
