import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, expect, it, vi } from 'vitest';
import type { CameraHealthChange } from '../../../component/camera/camera-health.ts';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { cameraSchema } from '../../../component/contract/camera-config.ts';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import { FaultLog } from '../../../component/logging/fault-log.ts';
import { HealthWatch } from '../../../component/pipeline/health-watch.ts';
import { Pictures } from '../../../component/pipeline/pictures.ts';
import { inspectImage } from '../../../native/index.ts';

interface Told {
  readonly msg: string;
}

const STREET = 'samples/images/street/walkway-00.jpg';
const never = new AbortController().signal;
const pictures = new Pictures(100_000_000);
const slots = new FrameSlots({ slots: 4, slotBytes: 2_000_000, policy: 'every' });
afterAll(async () => {
  slots.close();
  await pictures.close();
});

it('measures frames of the camera beside its reference picture, and gives their slots back', async () => {
  const changes: CameraHealthChange[] = [];
  const watch = new HealthWatch({
    ...{ camera: 'gate', slots, pictures },
    faults: new FaultLog(pino({ level: 'silent' })),
    settings: () =>
      cameraSchema.parse({
        source: { kind: 'ffmpeg', url: '/dev/video0' },
        model: 'coco-detector',
        health: { intervalMs: 100, samples: 1, referencePicture: STREET },
      }),
    onChange: (some) => changes.push(...some),
  });
  const street = readFileSync(STREET);
  const { width, height } = inspectImage(street);
  let sequence = 0;
  const show = async (format: 'jpeg' | 'i420', bytes: Uint8Array) => {
    const isBlack = format === 'i420';
    await vi.waitFor(
      async () => {
        const writer = (await slots.openSlot(bytes.length, never))!;
        writer.bytes.set(bytes);
        const described = { format, width, height, byteLength: bytes.length };
        writer.publish({ ...described, sequence: sequence++, capturedAtMs: Date.now() });
        const lease = (await slots.next(never))!;
        watch.offer(lease, WHOLE_FRAME);
        slots.release(lease);
        expect((watch.state?.measures?.darkFraction ?? 0.97) > 0.97).toBe(isBlack);
        expect(watch.state?.measures).toBeDefined();
      },
      { timeout: 15_000, interval: 30 },
    );
  };

  await show('jpeg', street);
  expect(watch.state?.conditions).toEqual([]);
  expect(watch.state?.measures?.correlation).toBeCloseTo(1, 2);
  const { meanLuma, sharpness } = watch.state!.measures!;
  expect(meanLuma).toBeGreaterThan(30);
  expect(sharpness).toBeGreaterThan(50);

  // A lens cap: luma of BT.601's black, with one bright spot so that there is something to correlate.
  const black = new Uint8Array((width * height * 3) / 2).fill(16, 0, width * height);
  black.fill(128, width * height);
  black.fill(235, 0, 4000);
  await show('i420', black);
  expect(watch.state?.conditions.map(({ kind }) => kind).toSorted()).toEqual(['black', 'moved']);

  await show('jpeg', street);
  expect(watch.state?.conditions).toEqual([]);
  expect(changes.map(({ kind, hasBegun }) => `${kind} ${hasBegun}`).toSorted()).toEqual(
    ['black false', 'black true', 'moved false', 'moved true'].toSorted(),
  );
  await vi.waitFor(() => expect(slots.hasSpareSlot).toBe(true));
});

it('judges by a reference picture again that could not be read at first', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'vedette-reference-'));
  const referencePicture = path.join(folder, 'reference.jpg');
  const told: string[] = [];
  const watch = new HealthWatch({
    ...{ camera: 'gate', slots, pictures, onChange: () => {} },
    faults: new FaultLog(
      pino({ level: 'info' }, { write: (line) => told.push((JSON.parse(line) as Told).msg) }),
    ),
    settings: () =>
      cameraSchema.parse({
        source: { kind: 'ffmpeg', url: '/dev/video0' },
        model: 'coco-detector',
        health: { intervalMs: 100, referencePicture },
      }),
  });
  const street = readFileSync(STREET);
  const described = { ...inspectImage(street), byteLength: street.length };
  const shown = async () => {
    const writer = (await slots.openSlot(street.length, never))!;
    writer.bytes.set(street);
    writer.publish({ ...described, sequence: 0, capturedAtMs: Date.now() });
    const lease = (await slots.next(never))!;
    watch.offer(lease, WHOLE_FRAME);
    slots.release(lease);
    return watch.state?.measures;
  };
  const waiting = { timeout: 15_000, interval: 30 };
  try {
    await vi.waitFor(async () => expect(await shown()).toBeDefined(), waiting);
    expect(watch.state?.measures?.correlation).toBeUndefined();
    expect(told).toEqual(['moved cannot be judged']);
    copyFileSync(STREET, referencePicture);
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 61_000);
    await vi.waitFor(async () => expect((await shown())?.correlation).toBeCloseTo(1, 2), waiting);
  } finally {
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true });
  }
});
