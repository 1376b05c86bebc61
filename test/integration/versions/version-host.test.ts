import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { modelConfigSchema } from '../../../component/contract/model-config.ts';
import { VedetteError } from '../../../component/contract/errors.ts';
import type { RememberedModel } from '../../../component/contract/model-lifecycle.ts';
import { RuntimeLibrary } from '../../../component/inference/execution/runtime-library.ts';
import { ModelStore } from '../../../component/inference/model-store/model-store.ts';
import type { StagedPackage } from '../../../component/inference/model-store/model-store.ts';
import { buildZip } from '../../support/archive-builder.ts';
import { ModelPackages } from '../../support/model-packages.ts';
import { constantModel, versionPackage } from '../../support/version-packages.ts';
import { VersionHost } from '../../support/version-host.ts';
import type { VersionHostOptions } from '../../support/version-host.ts';

/** Each test starts processes. */
vi.setConfig({ testTimeout: 120_000 });

const KEEP_WARM_MS = 2000;
const installed = 'brightness@2.0.0';

let packages: ModelPackages;
let first: string;
let second: string;
beforeAll(async () => {
  packages = await ModelPackages.create();
  first = await versionPackage(packages, '1.0.0', constantModel(0.2));
  second = await versionPackage(packages, '2.0.0', constantModel(0.3));
});
afterAll(async () => {
  await packages.close();
});

async function create(options: Partial<VersionHostOptions> = {}): Promise<VersionHost> {
  const versions = await VersionHost.create({ package: first, ...options });
  onTestFinished(() => versions.close());
  return versions;
}

async function start(options: Partial<VersionHostOptions> = {}): Promise<VersionHost> {
  const versions = await create(options);
  await versions.host.start();
  return versions;
}

const swap = () => ({ kind: 'propose', package: second, mode: 'swap', cameras: [] }) as const;
const canary = () =>
  ({ kind: 'propose', package: second, mode: 'canary', cameras: ['left'] }) as const;

describe('a change whose record takes its time', () => {
  test('keeps the version warm that it goes back to', async () => {
    const rollout = { keepWarmMs: KEEP_WARM_MS };
    const config = modelConfigSchema.parse({ package: first, workers: 1, rollout });
    const { host, store } = await start({ more: { config } });
    host.change(swap());
    await host.changeEnded();
    const write = store.hold();
    host.change({ kind: 'rollback' });
    await write.asked;
    await pause(KEEP_WARM_MS + 500);
    write.release();
    await host.changeEnded();
    expect(host.status().lifecycle?.lastChange?.error).toBeUndefined();
    expect(host.servingFor().packageName).toBe(first);
    expect(host.isReady).toBe(true);
  });

  test('leaves no worker behind when the model is closed meanwhile', async () => {
    const { host, store, workers } = await start();
    const write = store.hold();
    host.change(swap());
    await write.asked;
    await host.close(4000);
    write.release();
    await host.changeEnded();
    expect(workers).toHaveLength(2);
    expect(workers.map(({ threadId }) => threadId)).toEqual([-1, -1]);
    expect(host.servingFor().packageName).toBe(first);
  });
});

test('a candidate whose removal cannot be written is gone, and does not come back', async () => {
  const versions = await start();
  const { host, store } = versions;
  expect(await versions.change(canary())).toBeUndefined();
  const { generation } = host.candidate!;
  const write = store.hold();
  host.change({ kind: 'discard' });
  await write.asked;
  write.refuse(new VedetteError('STORAGE_FULL', 'the disk is full'));
  await host.changeEnded();
  expect(host.status().lifecycle?.lastChange?.error?.code).toBe('STORAGE_FULL');
  expect(host.candidate).toBeUndefined();
  expect(generation.state).toBe('closed');
  expect(generation.readings.readyWorkers).toBe(0);
  expect(await versions.change({ kind: 'pin' })).toBeUndefined();
  expect(store.kept).toMatchObject({ isPinned: true });
  expect(store.kept?.candidate).toBeUndefined();
});

/** Its disk does not let what was unpacked first be removed. */
class UnremovableStore extends ModelStore {
  #first: string | undefined;

  override async stage(source: string, signal?: AbortSignal): Promise<StagedPackage> {
    const staged = await super.stage(source, signal);
    this.#first ??= staged.place;
    return staged;
  }

  override async discard(staged: StagedPackage): Promise<void> {
    if (staged.place !== this.#first) return super.discard(staged);
    throw new VedetteError('MODEL_STORE_UNAVAILABLE', 'EBUSY');
  }
}

test('files of the version before that cannot be removed are a fault in the log, and no more', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vedette-unremovable-'));
  const archive = join(folder, 'brightness.zip');
  const entries = ['model.json', 'model.onnx'].map(async (name) => ({
    name,
    data: await readFile(join(first, name)),
  }));
  await writeFile(archive, buildZip(await Promise.all(entries)));
  const config = modelConfigSchema.parse({
    package: archive,
    workers: 1,
    rollout: { keepWarmMs: 0 },
  });
  const more = { config, store: new UnremovableStore(folder) };
  const versions = await start({ package: archive, folder, more });
  expect(await versions.change(swap())).toBeUndefined();
  await vi.waitFor(() => expect(versions.faults.map(({ message }) => message)).toEqual(['EBUSY']));
  expect(versions.host.isReady).toBe(true);
  expect(versions.host.servingFor().packageName).toBe(installed);
});

describe('at a start', () => {
  const kept = (more: Partial<RememberedModel> = {}): RememberedModel => ({
    schemaVersion: 1,
    configuredPackage: first,
    activePackage: first,
    isPinned: false,
    ...more,
  });

  /** A host that is closed again, with version 2.0.0 installed and swapped in. */
  async function swapped(): Promise<{ folder: string; kept: RememberedModel }> {
    const versions = await start();
    expect(await versions.change(swap())).toBeUndefined();
    await versions.host.close(4000);
    return { folder: versions.folder, kept: versions.store.kept! };
  }

  test('a change is refused until it is settled which version runs', async () => {
    const versions = await create(await swapped());
    const started = versions.host.start();
    expect(() => versions.host.change({ kind: 'pin' })).toThrow(
      expect.objectContaining({ code: 'MODEL_CHANGE_RUNNING' }),
    );
    await started;
    expect(await versions.change({ kind: 'pin' })).toBeUndefined();
    expect(versions.store.kept).toMatchObject({ activePackage: installed, isPinned: true });
  });

  test('what is remembered is asked for again when it could not be read', async () => {
    const busy = new VedetteError('REGISTRY_UNAVAILABLE', 'the registry is busy');
    const { host } = await start({ ...(await swapped()), refusedRecalls: [busy] });
    expect(host.isReady).toBe(true);
    expect(host.servingFor().packageName).toBe(installed);
  });

  test('a fault of the device sends no line back to the version before', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'vedette-no-library-'));
    onTestFinished(() => rm(empty, { recursive: true }));
    const before = await swapped();
    const { host, store, records } = await start({
      ...before,
      more: { library: new RuntimeLibrary(empty) },
    });
    expect(host.status()).toMatchObject({
      state: 'failed',
      reason: { code: 'RUNTIME_LIBRARY_INVALID' },
      lifecycle: { active: { package: installed } },
    });
    expect(store.kept).toEqual(before.kept);
    expect(records).toEqual([]);
  });

  test('a configured version that takes the place of one that is gone is remembered when it runs', async () => {
    const folder = await versionPackage(packages, '1.0.0', constantModel(0.2));
    await writeFile(join(folder, 'model.onnx'), 'not yet');
    const gone = kept({ configuredPackage: folder, activePackage: 'brightness@9.0.0' });
    const { host, store } = await start({ package: folder, kept: { ...gone, isPinned: true } });
    expect(host.isReady).toBe(false);
    expect(store.kept).toMatchObject({ activePackage: 'brightness@9.0.0', isPinned: true });
    await copyFile(join(first, 'model.onnx'), join(folder, 'model.onnx'));
    await host.whenReady();
    await vi.waitFor(() =>
      expect(store.kept).toMatchObject({ activePackage: folder, isPinned: false }),
    );
  });

  test('a candidate that is gone is refused for the start, not for a person', async () => {
    const candidate = {
      package: 'brightness@9.0.0',
      mode: 'shadow' as const,
      cameras: [],
      sinceMs: 1,
    };
    const { host, records } = await start({ kept: kept({ candidate }) });
    await host.changeEnded();
    expect(records).toEqual([
      expect.objectContaining({ kind: 'refused', cause: 'start', package: 'brightness@9.0.0' }),
    ]);
  });
});
