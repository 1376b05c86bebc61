import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import { rolloutSchema } from '../../../component/contract/rollout-config.ts';
import { CanaryWatch } from '../../../component/pipeline/candidate/canary-watch.ts';
import { composeErrorResult } from '../../../component/pipeline/compose-result.ts';
import { loopsWhenBright, ModelPackages } from '../../support/model-packages.ts';
import { constantModel, versionPackage } from '../../support/version-packages.ts';
import { VersionHost } from '../../support/version-host.ts';
import { VersionRuntime } from '../../support/version-runtime.ts';

/** Each test starts processes. */
vi.setConfig({ testTimeout: 120_000 });

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

async function start(): Promise<VersionHost> {
  const versions = await VersionHost.create({ package: first });
  onTestFinished(() => versions.close());
  await versions.host.start();
  return versions;
}

const installed = 'brightness@2.0.0';

const canary = { kind: 'propose', mode: 'canary', cameras: ['left', 'right'] } as const;

test('cameras whose frames are with a canary that is rolled back go on with the version before', async () => {
  const slow = await versionPackage(packages, '2.0.0', loopsWhenBright(1_000_000));
  const device = await VersionRuntime.start({
    package: first,
    levels: [250],
    model: { workers: 1, timeoutMs: 110_000 },
  });
  onTestFinished(() => device.close());
  await device.ready();
  expect(await device.propose(slow, 'canary', ['left', 'right'])).toBeUndefined();
  const { timings } = await device.until('a result of the canary', async () =>
    [...(await device.results('left')), ...(await device.results('right'))].find(
      ({ model }) => model.version === '2.0.0',
    ),
  );
  const begin = Date.now();
  expect(await device.change({ kind: 'rollback' })).toBeUndefined();
  await Promise.all([device.further('left', 5), device.further('right', 5)]);
  for (const camera of ['left', 'right']) {
    expect((await device.results(camera)).at(-1)!.model.version).toBe('1.0.0');
  }
  // A process must not end while ONNX Runtime runs.
  await device.until('the end of its last run', () =>
    Date.now() - begin > 1.5 * timings.runMs + 2000 ? true : undefined,
  );
});

test('a canary that loses its worker while it is remembered is refused, and acts on nothing', async () => {
  const versions = await start();
  const { host, store, workers } = versions;
  const write = store.hold();
  host.change({ ...canary, package: second });
  expect((await write.asked).candidate?.package).toBe(installed);
  await workers.at(-1)!.terminate();
  write.release();
  await host.changeEnded();
  expect(host.status().lifecycle?.lastChange?.error?.code).toBe('MODEL_NOT_READY');
  expect(host.candidate).toBeUndefined();
  expect(host.servingFor('left')).toBe(host.servingFor());
  expect(store.kept?.candidate).toBeUndefined();
});

test('a canary that loses its worker while it is promoted leaves the version before in its place', async () => {
  const { host, store, workers, records } = await start();
  host.change({ ...canary, package: second });
  await host.changeEnded();
  expect(host.servingFor('left').packageName).toBe(installed);
  const write = store.hold();
  host.change({ kind: 'promote' });
  await write.asked;
  await workers.at(-1)!.terminate();
  // Whoever has a frame meanwhile is not sent to what cannot answer.
  expect(host.servingFor('left').packageName).toBe(first);
  write.release();
  await host.changeEnded();
  expect(host.status().lifecycle?.lastChange?.error?.code).toBe('MODEL_NOT_READY');
  expect(host.isReady).toBe(true);
  expect(host.servingFor().packageName).toBe(first);
  expect(host.candidate).toBeUndefined();
  await store.settled();
  expect(store.kept).toMatchObject({ activePackage: first });
  expect(store.kept?.candidate).toBeUndefined();
  expect(records).toContainEqual(
    expect.objectContaining({ kind: 'rolled-back', cause: 'lost', package: installed }),
  );
});

test('a canary that fails while a promotion of it comes to nothing is still taken back', async () => {
  const { host, store, records } = await start();
  host.change({ ...canary, package: second });
  await host.changeEnded();
  const candidate = host.candidate!;
  const watch = new CanaryWatch({
    candidate,
    rollout: rolloutSchema.parse({}),
    recent: async () => [],
    rollBack: (cause, reason) => host.rollBackCandidate(cause, reason),
    onFault: (fault) => expect.unreachable(fault.message),
  });
  const frame = { sequence: 1, capturedAtMs: 1, width: 16, height: 16 };
  const origin = { thing: 'station', camera: 'left', frame, takenAtMs: performance.now() };
  const fault = new VedetteError('INFERENCE_FAILED', 'the model failed');
  const failed = composeErrorResult(origin, candidate.generation.identity!, fault);
  const write = store.hold();
  host.change({ kind: 'promote' });
  await write.asked;
  for (let index = 0; index < 5; index += 1) watch.count('left', failed);
  expect(host.candidate).toBe(candidate);
  write.refuse(new VedetteError('STORAGE_FULL', 'the disk is full'));
  await host.changeEnded();
  expect(host.candidate).toBe(candidate);
  watch.count('left', failed);
  expect(host.candidate).toBeUndefined();
  await store.settled();
  expect(records.at(-1)).toMatchObject({ kind: 'rolled-back', cause: 'errors' });
});
