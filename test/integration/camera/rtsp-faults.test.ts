import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  CameraSupervisor,
  type CameraHealth,
} from '../../../component/camera/camera-supervisor.ts';
import { FfmpegCamera } from '../../../component/camera/ffmpeg-camera.ts';
import type { FfmpegSource } from '../../../component/camera/ffmpeg-input.ts';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { FrameRing } from '../../../native/index.ts';
import { cameraSourceSchema } from '../../../component/contract/camera-config.ts';
import { hasRtspServer, RtspServer } from '../../support/rtsp-server.ts';
import { RtspWire, type WireFault } from '../../support/rtsp-wire.ts';

const IS_DEEP = process.env['VEDETTE_DEEP'] === '1';
const FAULT_MS = IS_DEEP ? 60_000 : 1000;
/** What was said to come, and what comes: encoding 4K live takes longer. */
const [SAID, LARGER] = IS_DEEP
  ? [
      { width: 1280, height: 720 },
      { width: 3840, height: 2160 },
    ]
  : [
      { width: 480, height: 270 },
      { width: 1280, height: 720 },
    ];
const SLOT_BYTES = SAID.width * SAID.height * 1.5;
/** BT.601 luma and chroma of SMPTE's seven bars at full strength, left to right. */
const BARS = [
  [235, 128, 128],
  [210, 16, 146],
  [170, 166, 16],
  [145, 54, 34],
  [106, 202, 222],
  [81, 90, 240],
  [41, 240, 110],
] as const;

/** Whether the upper half of an I420 picture of 320×240 is those bars, away from their edges. */
function areBars(bytes: Uint8Array): boolean {
  const [width, height] = [320, 240];
  const isNear = (value: number | undefined, wanted: number) => Math.abs(value! - wanted) <= 8;
  return BARS.every(([y, cb, cr], bar) => {
    for (let row = 0; row < height / 2; row += 2) {
      for (let x = 12; x <= 32; x += 4) {
        const column = Math.round((bar * width) / 7) + x;
        if (!isNear(bytes[row * width + column], y)) return false;
        const chroma = width * height + (row / 2) * (width / 2) + Math.floor(column / 2);
        if (!isNear(bytes[chroma], cb)) return false;
        if (!isNear(bytes[chroma + (width * height) / 4], cr)) return false;
      }
    }
    return true;
  });
}

describe.skipIf(!hasRtspServer())('an RTSP camera that misbehaves', { timeout: 120_000 }, () => {
  let server: RtspServer;
  let wire: RtspWire;
  let supervisor: CameraSupervisor;
  let slots: FrameSlots;
  let changes: CameraHealth[];

  beforeAll(async () => {
    server = await RtspServer.start({ size: '320x240', rate: 10, pattern: 'smpte100' });
    wire = await RtspWire.to(server.port);
  });
  afterEach(async () => {
    await supervisor.close();
    slots.close();
    wire.fault = 'clean';
    await server.tell('resume');
    await server.tell('resize 320 240');
    await server.tell('rate 10');
  });
  afterAll(async () => {
    await wire.close();
    await server.close();
  });

  function supervise(openingMs = 2000): void {
    slots = new FrameSlots({ slots: 3, slotBytes: SLOT_BYTES, policy: 'newest' });
    changes = [];
    supervisor = new CameraSupervisor({
      name: 'gate',
      driver: new FfmpegCamera({
        name: 'gate',
        source: cameraSourceSchema.parse({
          ...{ kind: 'ffmpeg', url: wire.url('live'), stallTimeoutMs: 1000 },
        }) as FfmpegSource,
        pace: 'source',
        ffmpegPath: 'ffmpeg',
        readSecret: () => Promise.reject(new Error('no secret is needed')),
      }),
      slots,
      onChange: (health) => changes.push(health),
      retry: { firstMs: 100, maximumMs: 500, openingMs },
    });
    supervisor.start();
  }

  const stateIs = (state: string) =>
    vi.waitFor(() => expect(supervisor.status.state).toBe(state), 20_000);

  async function nextPicture() {
    const lease = (await slots.next(AbortSignal.timeout(20_000)))!;
    const { width, height, sequence, byteLength } = lease;
    const bytes = FrameRing.attach(slots.ringId).bytes(lease.slot).slice(0, byteLength);
    slots.release(lease);
    return { size: `${width}x${height}`, sequence, isRight: width === 320 && areBars(bytes) };
  }

  async function rightPictures(count: number): Promise<void> {
    for (let inARow = 0, looked = 0; inARow < count; looked += 1) {
      expect(looked, 'pictures that are not what the camera sends').toBeLessThan(300);
      inARow = (await nextPicture()).isRight ? inARow + 1 : 0;
    }
  }

  it.each<WireFault>(IS_DEEP ? ['silent', 'garbage'] : ['garbage'])(
    'that is %s from its first byte has a reason, and runs as soon as it speaks',
    async (fault) => {
      wire.fault = fault;
      supervise();
      await vi.waitFor(() => expect(supervisor.status.reason).toBeDefined(), 30_000);
      expect(supervisor.status.reason?.code).toBe('CAMERA_SOURCE_FAILED');
      expect(slots.framesDelivered).toBe(0);
      wire.fault = 'clean';
      await stateIs('running');
      await rightPictures(3);
    },
  );

  it('that opens its stream and sends nothing has a reason, and runs as soon as it sends', async () => {
    await server.tell('stall');
    supervise();
    await vi.waitFor(() => expect(supervisor.status.reason).toBeDefined(), 30_000);
    expect(slots.framesDelivered).toBe(0);
    await server.tell('resume');
    await stateIs('running');
    await rightPictures(3);
  });

  it('that sends corrupt packets for a while loses no count of its frames, and shows them right afterwards', async () => {
    supervise();
    await stateIs('running');
    await rightPictures(3);
    wire.fault = 'corrupt';
    const endMs = performance.now() + FAULT_MS;
    let last = -1;
    while (performance.now() < endMs) {
      const { sequence, size } = await nextPicture();
      expect(sequence).toBeGreaterThan(last);
      expect(size).toBe('320x240');
      last = sequence;
    }
    expect(wire.damagedPackets).toBeGreaterThan(3);
    wire.fault = 'clean';
    await rightPictures(10);
    await stateIs('running');
    expect((await nextPicture()).sequence).toBeGreaterThan(last);
  });

  it('that sends garbage in the middle of its stream is opened again', async () => {
    supervise();
    await stateIs('running');
    wire.fault = 'garbage';
    await pause(FAULT_MS);
    await vi.waitFor(() => expect(supervisor.status.state).not.toBe('running'), 20_000);
    const { restarts } = supervisor.status;
    wire.fault = 'clean';
    await stateIs('running');
    expect(supervisor.status.restarts).toBeGreaterThanOrEqual(restarts);
    await rightPictures(3);
  });

  it('that sends 4K where 720p was said, or as much more, is refused by name and size, without a frame of it, and comes back', async () => {
    supervise(15_000);
    await stateIs('running');
    await server.tell('rate 2');
    await server.tell(`resize ${LARGER.width} ${LARGER.height}`);
    await vi.waitFor(
      () =>
        expect(supervisor.status.reason?.message).toMatch(
          new RegExp(`${LARGER.width}×${LARGER.height}.*maxFrameBytes`),
        ),
      60_000,
    );
    expect(supervisor.status.state).not.toBe('running');
    await server.tell('resize 320 240');
    await server.tell('rate 10');
    const { sequence } = await nextPicture();
    while ((await nextPicture()).sequence <= sequence + 3);
    await stateIs('running');
    for (let index = 0; index < 3; index += 1) expect((await nextPicture()).size).toBe('320x240');
  });

  it('that changes its rate midway goes on with right pictures', async () => {
    supervise();
    await stateIs('running');
    await rightPictures(3);
    await server.tell('rate 25');
    await rightPictures(20);
    await stateIs('running');
  });
});
