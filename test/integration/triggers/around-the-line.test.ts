import { cp, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';
import { ModbusDevice } from '../../support/modbus-device.ts';
import { samplesFolder, startRuntime, type RunningRuntime } from '../../support/real-runtime.ts';

const WAIT = 10_000;

let plc: ModbusDevice;
let running: RunningRuntime;
let settings: Parameters<typeof runtimeConfigSchema.parse>[0] & Record<string, unknown>;

beforeAll(async () => {
  plc = await ModbusDevice.start();
  const folder = await mkdtemp(join(tmpdir(), 'vedette-line-'));
  const pictures = join(folder, 'pictures');
  await cp(join(samplesFolder, 'images', 'brick', 'defect-00.png'), join(pictures, 'a.png'));
  const changing = join(folder, 'changing');
  for (const name of ['good-00.png', 'defect-00.png']) {
    await cp(join(samplesFolder, 'images', 'brick', name), join(changing, name));
  }
  const source = { kind: 'folder', path: pictures, framesPerSecond: 25 };
  const triggered = { policy: 'triggered', source, model: 'brick' };
  const address = { kind: 'modbus', host: '127.0.0.1', port: plc.port };
  settings = {
    dataFolder: join(folder, 'data'),
    models: { brick: { package: join(samplesFolder, 'models', 'brick-anomaly') } },
    cameras: {
      line: {
        ...triggered,
        trigger: { deadlineMs: 20_000, afterMs: 5000, maxQueued: 32 },
        products: { P27: { thresholds: { score: 0.99 } } },
        unknownProduct: 'default',
      },
      dead: {
        ...{ policy: 'triggered', model: 'brick' },
        source: { kind: 'folder', path: join(folder, 'absent') },
        trigger: { deadlineMs: 50, failSafe: 'review', whenBusy: 'queue', maxQueued: 1 },
      },
      belt: {
        ...{ ...triggered, source: { ...source, path: changing } },
        trigger: { deadlineMs: 20_000, afterMs: 5000 },
      },
      own: {
        ...{ ...triggered, source: { ...source, framesPerSecond: 5 } },
        trigger: { deadlineMs: 20_000, isByFrame: true },
      },
      aged: {
        ...{ ...triggered, source: { ...source, framesPerSecond: 50 } },
        ...{ policy: 'newest', maxFrameAgeMs: 1 },
      },
      broken: {
        ...{ policy: 'triggered', source: { kind: 'push' }, model: 'brick' },
      },
    },
    rules: { surface: { camera: 'line', kind: 'anomaly' } },
    triggers: {
      blind: {
        ...{ ...address, camera: 'line', table: 'coil', address: 4, pollMs: 2 },
        productFrom: { address: 60_000 },
      },
      coil: {
        ...{ ...address, camera: 'line', table: 'coil', address: 3, pollMs: 2 },
        productFrom: { address: 20, registers: 2, as: 'text' },
      },
      still: { kind: 'difference', camera: 'line', sampleMs: 20 },
      moving: { kind: 'difference', camera: 'belt', sampleMs: 20, product: 'P27' },
      beside: {
        ...{ kind: 'difference', camera: 'belt' },
        region: { x: 90_000, y: 0, width: 10, height: 10 },
      },
      deaf: { kind: 'mqtt', camera: 'line', topic: 'line/trigger' },
      off: { kind: 'schedule', camera: 'line', intervalMs: 50, isEnabled: false },
    },
    outputs: {
      register: {
        ...{ ...address, camera: 'line', table: 'holding-register', address: 100 },
        values: { pass: 1, fail: 2, review: 3 },
      },
      bad: {
        ...{ ...address, camera: 'broken', table: 'coil', address: 50, errorCountsAs: 'review' },
        values: { review: 1, fail: 0 },
      },
    },
  };
  const { dataFolder: _, ...rest } = settings;
  running = await startRuntime(folder, rest as never);
}, 60_000);
afterAll(async () => {
  await running.close();
  await plc.close();
});

const camera = (name: string) => running.runtime.camera(name);
const source = (name: string) => running.runtime.triggerSources().find((one) => one.name === name)!;

describe('a line with a PLC', () => {
  it('is answered in a register, by the product that the PLC names', async () => {
    plc.setRegister(20, 0x5032);
    plc.setRegister(21, 0x3700);
    await vi.waitFor(() => expect(source('coil').state).toBe('listening'), WAIT);
    plc.setCoil(3, true);
    await vi.waitFor(() => expect(camera('line').triggers!.answered).toBe(1), WAIT);
    const [transaction] = await running.runtime.transactions('line', 10);
    await vi.waitFor(async () => {
      expect(await running.runtime.transaction(transaction!.id)).toMatchObject({
        ...{ end: 'answered', context: { product: 'P27' }, model: 'brick' },
      });
      const records = await running.runtime.outputRecords(transaction!.id, 10);
      expect(records).toMatchObject([{ output: 'register', end: 'acknowledged', attempts: 1 }]);
    }, WAIT);
    const result = await running.runtime.result(transaction!.id);
    expect(result).toMatchObject({
      ...{ context: { product: 'P27' }, product: { code: 'P27', isKnown: true } },
      // The register chose the threshold, though it was read after the trigger.
      ...{ anomaly: { threshold: 0.99 } },
      transaction: { source: 'coil', isFailSafe: false },
    });
    const values = { pass: 1, fail: 2, review: 3, error: 2 };
    expect(plc.holding.readUInt16BE(200)).toBe(values[result.verdict.outcome]);
  });

  it('gets its fail-safe verdict at once when the product cannot be read, and is heard further', async () => {
    await vi.waitFor(() => expect(source('blind').state).toBe('listening'), WAIT);
    plc.setCoil(4, true);
    await vi.waitFor(() => expect(camera('line').triggers!.failSafe).toBe(1), WAIT);
    const [transaction] = await running.runtime.transactions('line', 1);
    expect(transaction).toMatchObject({ source: 'blind' });
    await vi.waitFor(async () => {
      expect(await running.runtime.result(transaction!.id)).toMatchObject({
        ...{ verdict: { outcome: 'fail' }, error: { code: 'FIELD_DEVICE_OFFLINE' } },
        transaction: { isFailSafe: true },
      });
    }, WAIT);
    expect(source('blind')).toMatchObject({ taken: 1, refused: 0 });
    await vi.waitFor(() => expect(source('blind').state).toBe('listening'), WAIT);
    const { text } = await running.runtime.metrics();
    expect(text).toMatch(/_count\{camera="line",outcome="fail",decided_by="incomplete"\} 1/);
  });

  it('hears nothing of messages without a broker, and says so', () => {
    expect(source('deaf')).toMatchObject({
      ...{ state: 'lost', taken: 0, reason: { code: 'CHANNEL_OFFLINE' } },
    });
    expect(source('off')).toMatchObject({ state: 'disabled', taken: 0 });
  });

  it('is told an error as the outcome that it counts as', async () => {
    const whole = await readFile(join(samplesFolder, 'images', 'brick', 'defect-00.png'));
    const data = new Uint8Array(whole.subarray(0, whole.length / 2));
    await expect(running.runtime.pushFrame('broken', { data })).rejects.toMatchObject({
      code: 'IMAGE_CORRUPT',
    });
    await vi.waitFor(async () => {
      const records = await running.runtime.outputRecords(undefined, 100);
      expect(records.find(({ output }) => output === 'bad')).toMatchObject({
        ...{ outcome: 'review', end: 'acknowledged' },
      });
    }, WAIT);
    expect(plc.coils.readUInt8(6) & 0b100).not.toBe(0);
  });
});

describe('a camera that is triggered by what it sees', () => {
  it('judges when its picture changes, and not while it stays the same', async () => {
    await vi.waitFor(() => expect(camera('belt').triggers!.answered).toBeGreaterThan(0), WAIT);
    expect(source('moving')).toMatchObject({ state: 'listening', kind: 'difference' });
    expect(source('moving').taken).toBeGreaterThan(0);
    expect((await running.runtime.transactions('belt', 1))[0]).toMatchObject({
      ...{ source: 'moving', context: { product: 'P27' } },
    });
    expect(source('still')).toMatchObject({ state: 'listening', taken: 0, refused: 0 });
  });

  it('says of a region that lies outside of the picture that it is none', async () => {
    await vi.waitFor(() => expect(source('beside').state).toBe('lost'), WAIT);
    expect(source('beside').reason).toMatchObject({ code: 'FRAME_INVALID' });
  });
});

describe('a camera whose frames are its triggers', () => {
  it('answers each frame in a transaction of its own, and takes no other trigger', async () => {
    await vi.waitFor(() => expect(camera('own').triggers!.answered).toBeGreaterThan(2), WAIT);
    const records = await running.runtime.transactions('own', 3);
    expect(records.map(({ source: name }) => name)).toEqual(['frame', 'frame', 'frame']);
    expect(new Set(records.map(({ id }) => id)).size).toBe(3);
    expect(() => running.runtime.trigger('own', { source: 'http' })).toThrow(/its frames are/);
  });
});

describe('a camera whose frames must be fresh', () => {
  it('judges no frame that became too old while its model was busy, and counts it', async () => {
    const dropped = () => camera('aged').framesDropped.stale ?? 0;
    await vi.waitFor(() => expect(dropped()).toBeGreaterThan(0), WAIT);
  });
});

describe('metrics', () => {
  it('count verdicts by outcome and by what gave them, and say how triggers and outputs stand', async () => {
    const { answer } = running.runtime.trigger('dead', { source: 'http' });
    const second = running.runtime.trigger('dead', { source: 'http' });
    expect(() => running.runtime.trigger('dead', { source: 'http' })).toThrow(/at most 2 may/);
    await Promise.all([answer, second.answer]);
    const { text } = await running.runtime.metrics();
    const value = (series: string) => Number(text.split(`${series} `)[1]?.split('\n')[0]);
    const labels = 'camera="dead",outcome="review",decided_by="deadline"';
    expect(value(`vedette_transaction_seconds_count{${labels}}`)).toBe(2);
    expect(value(`vedette_transaction_seconds_sum{${labels}}`)).toBeGreaterThanOrEqual(0.1);
    const { dropped } = camera('dead').triggers!;
    const drops = 'vedette_camera_triggers_dropped_total{camera="dead",reason="queue-full"}';
    expect(dropped['queue-full']).toBeGreaterThan(0);
    expect(value(drops)).toBe(dropped['queue-full']);
    expect(value('vedette_trigger_listening{trigger="coil"}')).toBe(1);
    expect(value('vedette_trigger_listening{trigger="deaf"}')).toBe(0);
    expect(value('vedette_trigger_taken_total{trigger="coil"}')).toBe(1);
    expect(value('vedette_trigger_listening{trigger="still"}')).toBe(1);
    expect(value('vedette_output_acknowledged_total{output="bad"}')).toBeGreaterThan(0);
    expect(value('vedette_output_given_up_total{output="bad"}')).toBe(0);
  });
});

describe('another configuration', () => {
  it('closes what is gone, opens what is new, and leaves the rest as it is', async () => {
    const { triggers, outputs } = settings as {
      triggers: Record<string, object>;
      outputs: Record<string, object>;
    };
    const apply = (change: object) =>
      running.runtime.apply(runtimeConfigSchema.parse({ ...settings, ...change }));
    const told = running.runtime.outputs().find(({ name }) => name === 'register')!.acknowledged;
    await apply({
      triggers: {
        coil: triggers['coil'],
        tick: { kind: 'schedule', camera: 'line', intervalMs: 50 },
      },
      outputs: { register: outputs['register'] },
    });
    const names = () => running.runtime.triggerSources().map(({ name }) => name);
    expect(names()).toEqual(['coil', 'tick']);
    expect(source('coil')).toMatchObject({ state: 'listening', taken: 1 });
    await vi.waitFor(() => expect(source('tick').taken).toBeGreaterThan(1), WAIT);
    await apply({ outputs: { register: outputs['register'] } });
    expect(names()).toEqual(['coil', 'blind', 'still', 'moving', 'beside', 'deaf', 'off']);
    const [register, ...others] = running.runtime.outputs();
    expect(others).toEqual([]);
    expect(register!.acknowledged).toBeGreaterThanOrEqual(told);
  });
});
