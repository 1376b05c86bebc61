import { createHash } from 'node:crypto';
import { copyFile, mkdir, open, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, it } from 'vitest';
import type { StoredCapture } from '../../../component/contract/ports.ts';
import {
  captureDocumentPath,
  captureImagePath,
} from '../../../component/registry/capture-files.ts';
import { first } from '../../../component/registry/migrations/001-first.ts';
import { SCHEMA_VERSION } from '../../../component/registry/migrations/migrate.ts';
import { Registry } from '../../../component/registry/registry.ts';
import { openStore } from './open-store.ts';
import { sampleResult } from './sample-result.ts';
import { openRegistry, temporaryFolder } from './temporary-registry.ts';

const stream = { durability: 'stream' } as const;

/** A closed data folder with some results, a model and a camera. */
async function usedFolder(rows = 300): Promise<string> {
  const { registry, dataFolder } = await openRegistry();
  await registry.upsertCamera('walkway', '{"v":1}');
  await registry.upsertModel({
    name: 'coco-detector',
    version: '1.0.0',
    sha256: 'a'.repeat(64),
    variant: 'fp32',
    manifest: '{}',
  });
  await Promise.all(
    Array.from({ length: rows }, () => registry.appendResult(sampleResult(), stream)),
  );
  await registry.close();
  return dataFolder;
}

async function overwrite(file: string, position: number, bytes: Buffer): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(bytes, 0, bytes.length, position);
  await handle.close();
}

const asideFiles = async (folder: string) =>
  (await readdir(folder)).filter((name) => name.startsWith('registry-corrupt-'));
const sha256 = async (file: string) =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');

describe('a damaged database', () => {
  const garbage = Buffer.alloc(8192, 0x5a);
  const damages: Record<string, (file: string) => Promise<void>> = {
    'that is no database': (file) => writeFile(file, garbage),
    'cut in half': (file) => truncate(file, 40_960),
    'with foreign bytes in its first pages': (file) => overwrite(file, 4096, garbage),
    'with foreign bytes in the middle': (file) => overwrite(file, 65_536, garbage),
  };

  it.each(Object.entries(damages))('%s is set aside and reported', async (_, damage) => {
    const dataFolder = await usedFolder();
    const file = join(dataFolder, 'registry.db');
    await damage(file);
    const damaged = await sha256(file);
    const { registry, notices } = await openRegistry(dataFolder);
    const [aside = ''] = await asideFiles(dataFolder);
    expect(await sha256(join(dataFolder, aside))).toBe(damaged);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatchObject({
      level: 'error',
      error: { code: 'REGISTRY_CORRUPT', message: expect.stringContaining(aside) as string },
    });
    expect((await registry.notices(10))[0]?.error.code).toBe('REGISTRY_CORRUPT');
    await registry.appendResult(sampleResult(), stream);
    expect((await registry.statistics()).results).toBe(1);
  });

  it('hands on its models and the counters of its cameras', async () => {
    const dataFolder = await usedFolder(300);
    // The results lie in the pages behind; those of models and cameras stay readable.
    const file = join(dataFolder, 'registry.db');
    await truncate(file, 262_144);
    const { store, append } = await openStore(dataFolder);
    expect(store.db.prepare('SELECT name FROM models').all()).toEqual([{ name: 'coco-detector' }]);
    expect(store.db.prepare('SELECT name, config, last_sequence FROM cameras').all()).toEqual([
      { name: 'walkway', config: '{"v":1}', last_sequence: 300 },
    ]);
    expect(await append(sampleResult(), 'stream')).toBe(301);
  });

  it('found while it is in use is set aside too, and storing goes on', async () => {
    const dataFolder = await usedFolder(0);
    const { registry, notices } = await openRegistry(dataFolder);
    for (let count = 0; count < 40; count += 1) {
      await registry.appendResult(sampleResult({ reason: 'x'.repeat(500_000) }), stream);
    }
    const file = join(dataFolder, 'registry.db');
    // More than the cache holds, so that reading must meet the damage.
    const db = await open(file, 'r+');
    const { size } = await db.stat();
    await db.write(Buffer.alloc(size - 20_480, 0x5a), 0, size - 20_480, 20_480);
    await db.close();
    await expect(registry.results({ limit: 1000 })).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
    });
    await expect
      .poll(() => registry.appendResult(sampleResult(), stream).then(() => 'stored', String), {
        timeout: 10_000,
      })
      .toBe('stored');
    expect(await asideFiles(dataFolder)).not.toEqual([]);
    expect(notices.map(({ error }) => error.code)).toContain('REGISTRY_CORRUPT');
  });

  it('whose log has no header loses the log only, set aside', async () => {
    const dataFolder = await temporaryFolder();
    const { store, append } = await openStore(await usedFolder(10));
    await append(sampleResult(), 'stream');
    // As a kill leaves it: the log not played back.
    await mkdir(dataFolder, { recursive: true });
    for (const suffix of ['', '-wal']) {
      await copyFile(store.db.name + suffix, join(dataFolder, `registry.db${suffix}`));
    }
    await overwrite(join(dataFolder, 'registry.db-wal'), 0, Buffer.alloc(32));
    const { registry, notices } = await openRegistry(dataFolder);
    expect(notices.map(({ error }) => error.code)).toEqual(['REGISTRY_CORRUPT']);
    expect((await asideFiles(dataFolder))[0]).toMatch(/-wal$/);
    expect((await registry.statistics()).results).toBe(10);
  });
});

it('a database of a newer version is refused and not touched', async () => {
  const dataFolder = await usedFolder(5);
  const file = join(dataFolder, 'registry.db');
  const db = new SqliteDatabase(file);
  db.pragma('user_version = 99');
  db.close();
  const before = await sha256(file);
  const attempt = Registry.open({ dataFolder, onNotice: () => undefined });
  await expect(attempt).rejects.toMatchObject({
    code: 'REGISTRY_TOO_NEW',
    message: expect.stringMatching(new RegExp(`version 99.*up to ${SCHEMA_VERSION}`)) as string,
  });
  expect(await sha256(file)).toBe(before);
  expect(await asideFiles(dataFolder)).toEqual([]);
});

it('a database of an older version is brought up to date and keeps what it holds', async () => {
  const dataFolder = await temporaryFolder();
  const db = new SqliteDatabase(join(dataFolder, 'registry.db'));
  db.exec(first);
  db.exec("INSERT INTO meta VALUES ('begun_at_ms', '1')");
  db.exec("INSERT INTO cameras VALUES ('walkway', NULL, 41, 1)");
  db.exec("INSERT INTO probes VALUES ('a', 'fp32', '1.30.0', 1)");
  db.pragma('user_version = 1');
  db.close();
  const { registry, notices } = await openRegistry(dataFolder);
  expect((await registry.appendResult(sampleResult(), stream)).cameraSequence).toBe(42);
  // What was trusted by its weights alone is tried again.
  expect(await registry.hasPassedProbe('a', '1.30.0')).toBe(false);
  expect(notices).toEqual([]);
});

it('a data folder that cannot be made is named', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'file'), '');
  const dataFolder = join(folder, 'file', 'data');
  await expect(Registry.open({ dataFolder, onNotice: () => undefined })).rejects.toMatchObject({
    code: 'REGISTRY_UNAVAILABLE',
    message: expect.stringContaining(dataFolder) as string,
  });
});

describe('captures on disk', () => {
  async function placeCapture(dataFolder: string, sequence: number): Promise<StoredCapture> {
    const id = uuidv7();
    const capturedAtMs = Date.UTC(2026, 10, 21) + sequence;
    const result = { ...sampleResult({ captureId: id, capturedAtMs }), cameraSequence: sequence };
    const about = {
      id,
      resultId: result.id,
      camera: 'walkway',
      capturedAtMs,
      rule: 'all',
      outcome: 'pass',
    } as const;
    const imagePath = captureImagePath(about, 'jpeg');
    const file = join(dataFolder, 'captures', imagePath);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, 'picture');
    const document = { schemaVersion: 1, capture: about, result };
    await writeFile(captureDocumentPath(file), JSON.stringify(document));
    return { ...about, imagePath, byteLength: 7 };
  }

  it('come back with their results when the database is lost, and numbers go on behind them', async () => {
    const dataFolder = await temporaryFolder();
    const captures: StoredCapture[] = [];
    for (const sequence of [5, 6, 40]) captures.unshift(await placeCapture(dataFolder, sequence));
    const { registry } = await openRegistry(dataFolder);
    const next = await registry.appendResult(sampleResult(), stream);
    expect(next.cameraSequence).toBe(41);
    expect(await registry.reconcileCaptures()).toMatchObject({
      registered: 3,
      lonelyDocuments: [],
    });
    expect((await registry.captures({ limit: 10 })).items).toEqual(captures);
    const first = captures[0]!;
    expect(await registry.result(first.resultId)).toMatchObject({
      cameraSequence: 40,
      captureId: first.id,
    });
    expect((await registry.statistics()).captureBytes).toBeGreaterThan(21);
  });

  it('are completed after a crash, documents without pictures told, and pictures of others are left alone', async () => {
    const { registry, dataFolder, notices } = await openRegistry();
    const whole = await placeCapture(dataFolder, 1);
    const file = join(dataFolder, 'captures', whole.imagePath);
    const lonelyDocument = `${uuidv7()}.json`;
    await writeFile(join(dirname(file), lonelyDocument), '{}');
    const foreign = join(dirname(file), 'holiday.jpg');
    await writeFile(foreign, 'x');
    expect(await registry.reconcileCaptures()).toEqual({
      registered: 1,
      lonelyDocuments: [join(dirname(whole.imagePath), lonelyDocument)],
      unknown: 1,
      unknownExample: foreign,
    });
    expect(notices[0]?.error.message).toContain(foreign);
    expect(await registry.capture(whole.id)).toEqual(whole);
  });
});
