import { cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { runtimeConfigSchema, type RuntimeConfig } from '../../../component/contract/config.ts';
import { VedetteError } from '../../../component/contract/errors.ts';
import type { InferenceResult } from '../../../component/contract/result.ts';
import type { LocalEdgeRuntime } from '../../../component/local-edge-runtime.ts';
import { CameraStation } from '../../../component/pipeline/camera-station.ts';
import { ModbusDevice } from '../../support/modbus-device.ts';
import { ModelPackages } from '../../support/model-packages.ts';
import { startRuntime, type RunningRuntime } from '../../support/real-runtime.ts';
import { constantModel, slowModel, versionPackage } from '../../support/version-packages.ts';
import { plainPicture } from '../../support/version-runtime.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

type Settings = Parameters<typeof startRuntime>[1];

let packages: ModelPackages;
let [first, second, slow] = ['', '', ''];
let folder = '';
let running: RunningRuntime;
let runtime: LocalEdgeRuntime;
let base: Settings;

const camera = (more: object = {}) => ({
  model: 'parts',
  policy: 'every' as const,
  source: {
    kind: 'folder' as const,
    path: join(folder, 'pictures'),
    mode: 'loop' as const,
    framesPerSecond: 20,
  },
  ...more,
});
const failsAt = (camera: string, failAt: number) => ({ camera, kind: 'anomaly' as const, failAt });

beforeAll(async () => {
  packages = await ModelPackages.create();
  first = await versionPackage(packages, '1.0.0', constantModel(0.2));
  second = await versionPackage(packages, '2.0.0', constantModel(0.3));
  slow = await versionPackage(packages, '3.0.0', slowModel(200_000));
  folder = await mkdtemp(join(tmpdir(), 'vedette-live-'));
  await mkdir(join(folder, 'pictures'));
  for (const level of [60, 120]) {
    await writeFile(join(folder, 'pictures', `${level}.png`), await plainPicture(level));
  }
  base = {
    dataFolder: join(folder, 'data'),
    models: { parts: { package: first } },
    cameras: { left: camera(), right: camera(), pushed: camera({ source: { kind: 'push' } }) },
    rules: { left: failsAt('left', 0.25), right: failsAt('right', 0.25) },
  };
  running = await startRuntime(folder, base);
  runtime = running.runtime;
});
afterAll(async () => {
  await running.close();
  await packages.close();
});
beforeEach(() => runtime.apply(parse(base)));

const parse = (settings: Settings): RuntimeConfig =>
  runtimeConfigSchema.parse({ dataFolder: join(folder, 'data'), ...settings });
const apply = (change: Settings) => runtime.apply(parse({ ...base, ...change }));

/** Results of a camera from now on. */
function listen(camera: string): InferenceResult[] {
  const results: InferenceResult[] = [];
  runtime.subscribe((event) => {
    if (event.kind === 'result' && event.result.camera === camera) results.push(event.result);
  });
  return results;
}

const soon = (look: () => unknown) => expect.poll(look, { timeout: 30_000, interval: 20 });
const outcomes = (results: readonly InferenceResult[]) =>
  new Set(results.map(({ verdict }) => verdict.outcome));
/** Results are told in the order in which they are stored. */
function gaps(results: readonly InferenceResult[]): number {
  const numbers = results.map(({ frame }) => frame.sequence).sort((a, b) => a - b);
  return numbers.filter((one, i) => i > 0 && one !== numbers[i - 1]! + 1).length;
}

/** Until the end of the test cameras are closed by this, which is given what really closes them. */
function closeBy(closing: (close: () => Promise<void>) => Promise<void>): void {
  const close = Reflect.get(CameraStation.prototype, 'close');
  const spy = vi.spyOn(CameraStation.prototype, 'close');
  spy.mockImplementation(function (this: CameraStation) {
    return closing(() => close.call(this));
  });
  onTestFinished(() => spy.mockRestore());
}

test('a rule changes between two frames; the source goes on, and other cameras notice nothing', async () => {
  const [left, right] = [listen('left'), listen('right')];
  await soon(() => Math.min(left.length, right.length)).toBeGreaterThan(3);
  const before = [runtime.camera('left'), runtime.camera('right')];
  await apply({ rules: { ...base.rules, left: failsAt('left', 0.1) } });
  const atRight = right.length;
  await soon(() => left.at(-1)!.verdict.outcome).toBe('fail');
  await soon(() => right.length - atRight).toBeGreaterThan(3);
  for (const { name, stateSinceMs, restarts } of before) {
    expect(runtime.camera(name)).toMatchObject({ state: 'running', stateSinceMs, restarts });
  }
  expect([gaps(left), gaps(right)]).toEqual([0, 0]);
  // The frames under way ended by the rule that they began with.
  const inOrder = left.toSorted((a, b) => a.frame.sequence - b.frame.sequence);
  expect(inOrder.map(({ verdict }) => verdict.outcome).join(' ')).toMatch(/^(pass ){4,}(fail ?)+$/);
  expect(outcomes(right)).toEqual(new Set(['pass']));
});

test('a frame under way keeps the rules that it began with', async () => {
  const models = { parts: { package: slow, timeoutMs: 60_000 } };
  await apply({
    models,
    rules: { before: failsAt('pushed', 0) },
    cameras: { pushed: base.cameras!['pushed']! },
  });
  const bright = await plainPicture(250);
  const answer = runtime.pushFrame('pushed', { data: bright });
  await soon(() => runtime.model('parts').inFlight).toBe(1);
  await apply({
    models,
    rules: { after: failsAt('pushed', 0) },
    cameras: { pushed: base.cameras!['pushed']! },
  });
  expect(Object.keys(runtime.config.rules)).toEqual(['after']);
  expect(runtime.model('parts').inFlight).toBe(1);
  expect((await answer).verdict.rule).toBe('before');
  const next = await runtime.pushFrame('pushed', { data: await plainPicture(0) });
  expect(next.verdict.rule).toBe('after');
});

test('cameras come and go, and one whose source changes is opened anew, alone', async () => {
  const right = listen('right');
  await soon(() => right.length).toBeGreaterThan(0);
  const { stateSinceMs } = runtime.camera('right');
  await cp(join(folder, 'pictures'), join(folder, 'others'), { recursive: true });
  const other = { ...camera().source, path: join(folder, 'others') };
  const { pushed: _, ...cameras } = base.cameras!;
  await apply({ cameras: { ...cameras, left: camera({ source: other }), third: camera() } });
  expect(runtime.cameras().map(({ name }) => name)).toEqual(['left', 'right', 'third']);
  expect(() => runtime.camera('pushed')).toThrow('No camera is named pushed');
  const third = listen('third');
  await soon(() => third.length).toBeGreaterThan(2);
  expect(runtime.camera('right')).toMatchObject({ stateSinceMs, state: 'running' });
  expect(gaps(right)).toBe(0);
  expect(runtime.camera('left').framesJudged).toBeLessThan(runtime.camera('right').framesJudged);
});

test('verdicts go to the new outputs from the step on, though a model of before still runs', async () => {
  const device = await ModbusDevice.start();
  const sorter = (fail: number) => ({
    sorter: {
      ...{ kind: 'modbus' as const, host: '127.0.0.1', port: device.port },
      ...{ table: 'holding-register' as const, address: 3, values: { fail } },
    },
  });
  const pushed = base.cameras!['pushed']!;
  const next = { cameras: { pushed }, rules: { pushed: failsAt('pushed', 0) }, outputs: sorter(2) };
  await apply({
    models: { ...base.models, slow: { package: slow, timeoutMs: 60_000 } },
    cameras: { pushed, waited: camera({ source: { kind: 'push' }, model: 'slow' }) },
    ...{ rules: next.rules, outputs: sorter(1) },
  });
  const slowAnswer = runtime.pushFrame('waited', { data: await plainPicture(250) });
  await soon(() => runtime.model('slow').inFlight).toBe(1);
  let isApplied = false;
  const applied = apply(next).then(() => (isApplied = true));
  await soon(() => Object.keys(runtime.config.cameras)).toEqual(['pushed']);
  await runtime.pushFrame('pushed', { data: await plainPicture(0) });
  expect(isApplied).toBe(false);
  await soon(() => device.written).toEqual([2]);
  await Promise.allSettled([applied, slowAnswer]);
  expect(isApplied).toBe(true);
  await apply({});
  await device.close();
});

test('while cameras are opened anew triggers are taken, and pushed pictures asked for again', async () => {
  const triggered = (path: string, trigger: object) => ({
    ...{ model: 'parts', policy: 'triggered' as const, trigger },
    source: { ...camera().source, path: join(folder, path) },
  });
  const patient = { deadlineMs: 60_000, afterMs: 60_000 };
  const hasty = { deadlineMs: 10 };
  const shared = {
    rules: {},
    captures: { once: { camera: 'line', everyNth: 1, minIntervalMs: 86_400_000 } },
  };
  await apply({
    ...shared,
    cameras: {
      line: triggered('absent', hasty),
      blind: triggered('absent', patient),
      pushed: base.cameras!['pushed']!,
    },
  });
  const outOfTime = { error: { code: 'TRIGGER_DEADLINE_PASSED' } };
  const noFrame = await runtime.trigger('line', { source: 'http' }).answer;
  expect(noFrame).toMatchObject(outOfTime);
  const held = runtime.trigger('blind', { source: 'http' });
  const device = Promise.withResolvers<void>();
  onTestFinished(() => device.resolve());
  closeBy((close) => device.promise.then(close));
  const applied = apply({
    ...shared,
    cameras: {
      line: triggered('pictures', patient),
      blind: triggered('missing', hasty),
      pushed: camera({ source: { kind: 'push' }, maxFrameBytes: 1_000_000 }),
    },
  });
  await soon(() => runtime.config.cameras['line']!.trigger.deadlineMs).toBe(60_000);

  const data = await plainPicture(60);
  const again = { code: 'SHUTTING_DOWN', retryable: true };
  await expect(runtime.pushFrame('pushed', { data })).rejects.toMatchObject(again);
  const between = runtime.trigger('line', { id: 'between', source: 'http' });
  expect(between.isRepeated).toBe(false);
  expect(runtime.camera('line').triggers).toMatchObject({ open: 1 });
  expect(await runtime.trigger('blind', { source: 'http' }).answer).toMatchObject(outOfTime);
  await runtime.restartCamera('line');
  expect(runtime.camera('line').state).toBe('starting');
  device.resolve();
  await applied;

  expect(await held.answer).toMatchObject({ error: { code: 'TRIGGER_INTERRUPTED' } });
  const answered = await between.answer;
  expect(answered).toMatchObject({ triggerId: 'between', transaction: { isFailSafe: false } });
  expect((await runtime.pushFrame('pushed', { data })).camera).toBe('pushed');
  // The verdict without a frame used up no capture.
  expect(answered.captureId).toBeDefined();
  expect(await runtime.capture(answered.captureId!)).toMatchObject({ capture: { camera: 'line' } });
});

test('a camera is opened anew though the one before could not be closed well', async () => {
  closeBy(async (close) => {
    await close();
    throw new VedetteError('INTERNAL', 'not all of it was closed');
  });
  await apply({ cameras: { ...base.cameras, left: camera({ maxFrameBytes: 1_000_000 }) } });
  await soon(() => runtime.camera('left').state).toBe('running');
});

test('models, rules and cameras change in one step: no verdict is of one with the rules of the other', async () => {
  const left = listen('left');
  const all = {
    models: { parts: { package: second }, more: { package: first } },
    rules: { left: failsAt('left', 0.35) },
    cameras: { ...base.cameras, third: camera({ model: 'more' }) },
    captures: { all: { everyNth: 1 } },
    retention: { capturesMaxCount: 7 },
  };
  await soon(() => left.length).toBeGreaterThan(2);
  await apply(all);
  await soon(() => left.at(-1)!.model.version).toBe('2.0.0');
  await apply({});
  await soon(() => left.at(-1)!.model.version).toBe('1.0.0');
  expect(outcomes(left)).toEqual(new Set(['pass']));
  expect(gaps(left)).toBe(0);
  const withCapture = left.filter(({ captureId }) => captureId !== undefined);
  expect(new Set(withCapture.map(({ model }) => model.version))).toEqual(new Set(['2.0.0']));
});

test('a model that cannot be used refuses the whole, with its reason, and what ran goes on', async () => {
  const left = listen('left');
  const { hash } = runtime.configurationStatus();
  const bad = await versionPackage(packages, '4.0.0', Buffer.from('not a model'));
  const change = {
    models: { parts: { package: second }, bad: { package: bad } },
    rules: { left: failsAt('left', 0) },
  };
  await expect(apply(change)).rejects.toMatchObject({ code: 'MODEL_FILE_INVALID' });
  const status = runtime.configurationStatus();
  expect(status).toMatchObject({ hash, isApplying: false });
  expect(status.refusal?.error.code).toBe('MODEL_FILE_INVALID');
  const at = left.length;
  await soon(() => left.length - at).toBeGreaterThan(3);
  expect(new Set(left.map(({ model }) => model.version))).toEqual(new Set(['1.0.0']));
  expect(outcomes(left)).toEqual(new Set(['pass']));
  expect(runtime.models().map(({ name }) => name)).toEqual(['parts']);
  await apply({ captures: {} });
  expect(runtime.configurationStatus().refusal).toBeUndefined();
});

test('a version that is not installed yet is waited for, while the one before answers', async () => {
  await apply({
    models: { parts: { package: 'brightness@9.9.9' }, new: { package: 'other@1.0.0' } },
  });
  const left = listen('left');
  await soon(() => left.length).toBeGreaterThan(3);
  expect(left.at(-1)!.model.version).toBe('1.0.0');
  expect(runtime.model('parts').lifecycle).toMatchObject({ configuredPackage: 'brightness@9.9.9' });
  expect(runtime.model('new').reason?.code).toBe('MODEL_NOT_INSTALLED');
});

test('a camera that waits for a model that failed is judged by the one it is given', async () => {
  await apply({
    models: { ...base.models, new: { package: 'other@1.0.0' } },
    cameras: { left: camera({ model: 'new' }) },
  });
  const left = listen('left');
  await apply({
    models: { ...base.models, new: { package: 'other@1.0.0' } },
    cameras: { left: camera() },
  });
  await soon(() => left.length).toBeGreaterThan(2);
});

test('what needs another process is refused by name, and so is everything beside it', async () => {
  const change = apply({ thing: 'station-8', rules: {} });
  await expect(change).rejects.toMatchObject({
    code: 'CONFIG_NEEDS_RESTART',
    details: { paths: ['thing'] },
  });
  expect(Object.keys(runtime.config.rules)).toEqual(['left', 'right']);
});
