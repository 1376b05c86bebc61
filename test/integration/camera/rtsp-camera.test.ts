import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  CameraSupervisor,
  type CameraHealth,
  type RetryTimes,
} from '../../../component/camera/camera-supervisor.ts';
import { FfmpegCamera } from '../../../component/camera/ffmpeg-camera.ts';
import type { FfmpegSource } from '../../../component/camera/ffmpeg-input.ts';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { cameraSourceSchema } from '../../../component/contract/camera-config.ts';
import type { FrameLease } from '../../../component/contract/frame.ts';
import { transactionSchema } from '../../../component/contract/transaction-config.ts';
import { matchFrame } from '../../../component/pipeline/transactions/frame-match.ts';
import { describeCameraDriver } from '../../contract/camera/camera-driver.contract.ts';
import { hasRtspServer, RtspServer } from '../../support/rtsp-server.ts';

const PASSWORD = "p@ss/w:rd' %é";
const never = new AbortController().signal;

const cameraOf = (values: Record<string, unknown>, password = '') =>
  new FfmpegCamera({
    name: 'gate',
    source: cameraSourceSchema.parse({ kind: 'ffmpeg', ...values }) as FfmpegSource,
    pace: 'source',
    ffmpegPath: 'ffmpeg',
    readSecret: () => Promise.resolve(password),
  });

const children = () =>
  readdirSync('/proc/self/task')
    .flatMap((task) => readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' '))
    .filter((pid) => pid !== '')
    .map((pid) => ({
      pid: Number(pid),
      line: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '),
    }));
/** Command lines of this process's children. */
const commandLines = () => children().map(({ line }) => line);
/** The ffmpeg that is the only one. */
const decoderOf = () => {
  const found = children().filter(({ line }) => line.includes('ffmpeg'));
  expect(found).toHaveLength(1);
  return found[0]!.pid;
};

describe.skipIf(!hasRtspServer())('a camera that speaks RTSP', () => {
  let server: RtspServer;
  let guarded: RtspServer;
  const open: { supervisor: CameraSupervisor; slots: FrameSlots }[] = [];

  beforeAll(async () => {
    server = await RtspServer.start({ size: '320x240' });
    guarded = await RtspServer.start({ username: 'ann', password: PASSWORD });
  });
  afterEach(async () => {
    for (const { supervisor, slots } of open.splice(0)) {
      await supervisor.close();
      slots.close();
    }
  });
  afterAll(async () => {
    await server.close();
    await guarded.close();
  });

  function supervise(driver: FfmpegCamera, retry: Partial<RetryTimes> = {}) {
    const slots = new FrameSlots({ slots: 3, slotBytes: 2_000_000, policy: 'newest' });
    const changes: CameraHealth[] = [];
    const supervisor = new CameraSupervisor({
      name: 'gate',
      driver,
      slots,
      onChange: (health) => changes.push(health),
      retry: { firstMs: 50, maximumMs: 200, ...retry },
    });
    open.push({ supervisor, slots });
    supervisor.start();
    const isRunning = () =>
      vi.waitFor(() => expect(supervisor.status.state).toBe('running'), 15_000);
    return { supervisor, slots, changes, isRunning };
  }

  it.each(['tcp', 'udp'])('delivers its pictures over %s', async (transport) => {
    const { slots, isRunning } = supervise(cameraOf({ url: server.url('live'), transport }));
    await isRunning();
    for (let index = 0; index < 5; index += 1) {
      const lease = (await slots.next(never))!;
      expect(lease).toMatchObject({ width: 320, height: 240, format: 'i420' });
      expect(Math.abs(Date.now() - lease.capturedAtMs)).toBeLessThan(5000);
      slots.release(lease);
    }
  });

  it('delivers H.265 and MJPEG as well, several streams of one device at once', async () => {
    const streams = (['live', 'h265', 'mjpeg'] as const).map((mount) =>
      supervise(cameraOf({ url: server.url(mount) })),
    );
    await Promise.all(streams.map(({ isRunning }) => isRunning()));
    for (const { slots } of streams) {
      for (let index = 0; index < 5; index += 1) {
        const lease = (await slots.next(AbortSignal.timeout(20_000)))!;
        expect(lease).toMatchObject({ width: 320, height: 240, format: 'i420' });
        slots.release(lease);
      }
    }
  });

  // The way with a login is another one through ffmpeg, and takes as long again.
  it.each(process.env['VEDETTE_DEEP'] === '1' ? ['plain', 'with a login'] : ['plain'])(
    'dates frames by the clock of the camera, as RTCP tells it (%s)',
    async (how) => {
      const url = how === 'plain' ? server.url('live') : guarded.url('live');
      const login = how === 'plain' ? {} : { username: 'ann', password: { file: '/run/secret' } };
      const { slots, isRunning } = supervise(cameraOf({ url, ...login }, PASSWORD));
      await isRunning();
      // A sender report comes within seconds of the beginning.
      const dated: FrameLease[] = [];
      while (dated.length < 20) {
        const lease = (await slots.next(AbortSignal.timeout(20_000)))!;
        slots.release(lease);
        if (lease.ntpMs !== undefined) dated.push(lease);
      }
      let even = 0;
      for (const [index, { sequence, ntpMs, capturedAtMs }] of dated.entries()) {
        expect(ntpMs!).toBeLessThan(capturedAtMs + 1);
        expect(capturedAtMs - ntpMs!).toBeLessThan(5000);
        const before = dated[index - 1];
        if (before === undefined) continue;
        // ffmpeg rounds each time of a packet to a millisecond.
        const stepMs = (sequence - before.sequence) * 40;
        if (Math.abs(ntpMs! - before.ntpMs! - stepMs) <= 1.01) even += 1;
      }
      // 25 frames a second by the RTP clock; only a new sender report may move it.
      expect(even).toBeGreaterThanOrEqual(dated.length - 3);

      // A decoder that stood still goes on with what was sent meanwhile.
      const quickestMs = Math.min(...dated.map((lease) => lease.capturedAtMs - lease.ntpMs!));
      const decoder = decoderOf();
      process.kill(decoder, 'SIGSTOP');
      await pause(1000);
      const config = transactionSchema.parse({ beforeMs: 5000, afterMs: 10_000 });
      const trigger = { openedSteadyMs: performance.now(), config };
      const triggeredAtMs = Date.now();
      process.kill(decoder, 'SIGCONT');
      let lateOnes = 0;
      for (;;) {
        const lease = (await slots.next(AbortSignal.timeout(20_000)))!;
        slots.release(lease);
        if (matchFrame(lease, trigger).kind === 'after') {
          expect(lease.ntpMs! + quickestMs).toBeGreaterThan(triggeredAtMs - 100);
          break;
        }
        if (lease.capturedAtMs > triggeredAtMs) lateOnes += 1;
      }
      expect(lateOnes).toBeGreaterThan(0);
    },
  );

  it('logs in without showing the password in a process list', async () => {
    const camera = cameraOf(
      { url: guarded.url('live'), username: 'ann', password: { file: '/run/secret' } },
      PASSWORD,
    );
    const { slots, isRunning } = supervise(camera);
    await isRunning();
    slots.release((await slots.next(never))!);
    const lines = commandLines().filter((line) => line.includes('ffmpeg'));
    expect(lines).toHaveLength(1);
    for (const part of ['p@ss', 'p%40ss', encodeURIComponent(PASSWORD)]) {
      expect(lines[0]).not.toContain(part);
    }
  });

  it('shows a login in the query of the address nowhere', async () => {
    const { isRunning } = supervise(
      cameraOf({ url: `${server.url('live')}?user=annabel&pwd=hidden-word&channel=1` }),
    );
    await isRunning();
    const lines = commandLines().filter((line) => line.includes('ffmpeg'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(/hidden-word|annabel/);
    const other = `rtsp://127.0.0.1:${server.port}/nowhere?user=annabel&pwd=hidden-word`;
    const wrong = supervise(cameraOf({ url: other }));
    await vi.waitFor(() => expect(wrong.supervisor.status.reason).toBeDefined(), 15_000);
    expect(wrong.supervisor.status.reason?.message).toContain('user=***&pwd=***');
    expect(JSON.stringify(wrong.changes)).not.toMatch(/hidden-word|annabel/);
  });

  it('says that the password is wrong, once, without saying it', async () => {
    const { supervisor, changes } = supervise(
      cameraOf({ url: `rtsp://ann:not-${'secret'}@127.0.0.1:${guarded.port}/live` }),
      { refusedFirstMs: 50, refusedMaximumMs: 200 },
    );
    await vi.waitFor(() => expect(supervisor.status.restarts).toBeGreaterThan(2), 15_000);
    expect(changes.map(({ state }) => state)).toEqual(['failed']);
    expect(supervisor.status.reason?.code).toBe('CAMERA_LOGIN_REFUSED');
    expect(supervisor.status.reason?.message).toContain('401');
    expect(JSON.stringify(changes)).not.toContain('not-secret');
  });

  it('with a login runs as soon as its encoder is ready, however long the pause', async () => {
    await guarded.tell('unready');
    const { supervisor, changes, isRunning } = supervise(
      cameraOf(
        { url: guarded.url('live'), username: 'ann', password: { file: '/run/secret' } },
        PASSWORD,
      ),
      { firstMs: 600_000, maximumMs: 600_000 },
    );
    await vi.waitFor(() => expect(supervisor.status.state).toBe('reconnecting'), 15_000);
    expect(supervisor.status.reason?.code).toBe('CAMERA_SOURCE_FAILED');
    await guarded.tell('ready');
    await isRunning();
    expect(supervisor.status.restarts).toBe(1);
    expect(JSON.stringify(changes)).not.toContain(PASSWORD.slice(0, 4));
  });

  it('is stalled when the stream goes silent and runs again when it comes back', async () => {
    const { supervisor, isRunning } = supervise(
      cameraOf({ url: server.url('live'), stallTimeoutMs: 1000 }),
    );
    await isRunning();
    await server.tell('stall');
    await vi.waitFor(() => expect(supervisor.status.state).toBe('stalled'), 10_000);
    await server.tell('resume');
    await isRunning();
  });

  it('comes back when the camera was switched off and on, long before its pause is over', async () => {
    const { port } = server;
    // A pause that no test waits for: only that the camera is back can end it.
    const { supervisor, isRunning, slots } = supervise(
      cameraOf({ url: server.url('live'), stallTimeoutMs: 2000 }),
      { firstMs: 3_600_000, maximumMs: 3_600_000 },
    );
    await isRunning();
    await server.close();
    await vi.waitFor(() => expect(supervisor.status.state).not.toBe('running'), 10_000);
    const before = slots.framesDelivered;
    server = await RtspServer.start({ port });
    const backMs = performance.now();
    await vi.waitFor(() => expect(slots.framesDelivered).toBeGreaterThan(before), 20_000);
    console.log(`frames again ${(performance.now() - backMs).toFixed(0)} ms after the server is`);
    expect(supervisor.status.state).toBe('running');
  });

  it('opens a stream again that changed its size, with frames that say so', async () => {
    const { slots, isRunning } = supervise(cameraOf({ url: server.url('live') }));
    await isRunning();
    await server.tell('resize 160 120');
    const sizes = new Set<string>();
    for (let index = 0; index < 2000 && !sizes.has('160x120 28800'); index += 1) {
      const lease = (await slots.next(AbortSignal.timeout(20_000)))!;
      sizes.add(`${lease.width}x${lease.height} ${lease.byteLength}`);
      slots.release(lease);
    }
    expect([...sizes].filter((size) => size !== '320x240 115200')).toEqual(['160x120 28800']);
    await server.tell('resize 320 240');
  });

  it('opens a stream again that ended', async () => {
    const { supervisor, isRunning, slots } = supervise(cameraOf({ url: server.url('live') }));
    await isRunning();
    await server.tell('end');
    await vi.waitFor(() => expect(supervisor.status.restarts).toBeGreaterThan(0), 15_000);
    const before = slots.framesDelivered;
    await vi.waitFor(() => expect(slots.framesDelivered).toBeGreaterThan(before + 3), 15_000);
  });
});

describe.skipIf(!hasRtspServer())('an RTSP stream as a source', () => {
  let server: RtspServer;
  beforeAll(async () => {
    server = await RtspServer.start({ size: '320x240' });
  });
  afterAll(() => server.close());

  describeCameraDriver('an RTSP stream through ffmpeg', async () => ({
    driver: cameraOf({ url: server.url('live') }),
    smallestFrameBytes: 100_000,
    largestFrameBytes: 115_200,
    canWait: false,
    close: () => Promise.resolve(),
  }));
});
