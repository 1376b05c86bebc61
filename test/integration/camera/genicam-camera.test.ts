import { createSocket } from 'node:dgram';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { CameraSupervisor } from '../../../component/camera/camera-supervisor.ts';
import { genicamCameras } from '../../../component/camera/discovery/genicam-cameras.ts';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { describeCameraDriver } from '../../contract/camera/camera-driver.contract.ts';
import { driverOf, secondFrame } from '../../support/driver-frames.ts';
import { runVedette } from '../../support/runtime-process.ts';
import { GenicamStandIn, hasGenicamCamera } from '../../support/genicam-camera.ts';
import { samplesFolder, startRuntime } from '../../support/real-runtime.ts';

/** The child of this process that holds a camera. */
function holder(): number {
  const pids = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  const isHolder = (pid: string) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('genicam-source');
  return Number(pids.find(isHolder));
}

const isDeep = process.env['VEDETTE_DEEP'] === '1';

describe.skipIf(!hasGenicamCamera())('a GenICam camera', () => {
  let camera: GenicamStandIn;
  beforeAll(async () => {
    camera = await GenicamStandIn.start('V1');
  });
  afterAll(() => camera.close());
  const size = { width: 512, height: 512 };
  const source = { kind: 'genicam', camera: '127.0.0.1', size };

  it('is found, by what opens it', async () => {
    const found = await genicamCameras();
    expect(found).toEqual([{ name: 'Aravis-Fake-V1', camera: '127.0.0.1' }]);
    expect(await secondFrame({ ...source, camera: found![0]!.camera })).toMatchObject(size);
  });

  it.runIf(isDeep)('is tried on the command line by what discover prints', async () => {
    const found = await runVedette({ arguments: ['camera', 'discover', '--seconds', '0.2'] });
    const [named = ''] = /^genicam:\S+/m.exec(found.stdout) ?? [];
    const end = await runVedette({ arguments: ['camera', 'probe', named, '--seconds', '0.5'] });
    expect(end).toMatchObject({ code: 0, stderr: '' });
    expect(end.stdout).toMatch(/^source +genicam\npicture +512 × 512, gray8/);
  });

  it('sends its grey ramp with the size and rate that are asked for', async () => {
    const part = { width: 260, height: 128 };
    const frame = await secondFrame({ ...source, size: part, framesPerSecond: 50 });
    expect(frame).toMatchObject({ ...part, format: 'gray8', byteLength: 260 * 128 });
    // Its picture is a ramp along the diagonal: rows that are cut elsewhere would break it.
    for (let y = 0; y < 127; y += 1) {
      for (let x = 0; x < 259; x += 1) {
        expect(frame.bytes[(y + 1) * 260 + x]).toBe(frame.bytes[y * 260 + x + 1]);
      }
    }
  });

  it.each([
    ['bayerrg8', 'bayerrg8', 1],
    ['mono16', 'mono16', 2],
    ['rgb8', 'rgb24', 3],
  ])('sends %s pixels as %s, as they are', async (pixelFormat, format, bytes) => {
    const frame = await secondFrame({ ...source, pixelFormat });
    expect(frame).toMatchObject({ format, width: 512, height: 512, byteLength: 262_144 * bytes });
  });

  it.each([
    [
      'an input that it has not',
      { trigger: { source: 'Line7' } },
      /trigger\.source: the camera's TriggerSource can be Line0, Line1, got Line7/,
    ],
    [
      'an edge that it has not',
      { trigger: { source: 'Line1', activation: 'AnyEdge' } },
      /trigger\.activation: .* can be RisingEdge, FallingEdge, got AnyEdge/,
    ],
    [
      'an automatic that it has not',
      { exposureAuto: 'Continuous' },
      /exposureAuto: the camera has no ExposureAuto/,
    ],
    ['a gain beyond its own', { gainDb: 99 }, /gainDb: the camera takes 0 to 10, got 99/],
  ])('says so when it is asked for %s', async (_, setting, message) => {
    await expect(secondFrame({ ...source, ...setting })).rejects.toMatchObject({
      code: 'CAMERA_SETTING_REFUSED',
      retryable: false,
      message: expect.stringMatching(message) as string,
    });
  });

  it('is set to the exposure time that is asked for', async () => {
    const mean = async (exposureUs: number) => {
      const { bytes } = await secondFrame({ ...source, exposureUs });
      return bytes.reduce((sum, value) => sum + value, 0) / bytes.length;
    };
    expect(await mean(20_000)).not.toBeCloseTo(await mean(2000), 0);
  });

  describeCameraDriver('a GenICam camera', async () => ({
    driver: driverOf(source),
    missing: driverOf({ kind: 'genicam', camera: 'Nobody' }),
    smallestFrameBytes: 200_000,
    largestFrameBytes: 512 * 512,
    canWait: false,
    close: () => Promise.resolve(),
  }));

  describe('with a trigger at its own input', () => {
    const silentMs = isDeep ? 15_000 : 800;
    let slots: FrameSlots;
    let supervisor: CameraSupervisor;
    const opened: { close(): Promise<void> | void }[] = [];

    const start = (more: Record<string, unknown> = {}) => {
      slots = new FrameSlots({ slots: 4, slotBytes: 512 * 512, policy: 'every' });
      const trigger = { source: 'Line1', activation: 'FallingEdge' };
      const driver = driverOf({ ...source, trigger, stallTimeoutMs: 500, ...more });
      supervisor = new CameraSupervisor({ name: 'gate', driver, slots });
      supervisor.start();
      opened.push(slots, supervisor);
    };
    afterEach(async () => {
      for (const one of opened.splice(0).reverse()) await one.close();
    });

    const untilState = (state: string) =>
      vi.waitFor(() => expect(supervisor.status.state).toBe(state), { timeout: 20_000 });
    const pictureOfPulse = async () => {
      await camera.pulse();
      const lease = await slots.next(AbortSignal.timeout(15_000));
      slots.release(lease!);
      return lease;
    };

    it('gives a picture a pulse, and silence is no stall', async () => {
      start({ gainAuto: 'Continuous' });
      await untilState('running');
      expect(slots.framesDelivered).toBe(0);
      expect(await camera.registers()).toEqual({
        ...{ gainAuto: 2, triggerMode: 1, triggerSource: 1, triggerActivation: 1 },
      });
      expect(await pictureOfPulse()).toMatchObject({ ...size, format: 'gray8', sequence: 0 });
      await setTimeout(silentMs);
      expect(await pictureOfPulse()).toMatchObject({ sequence: 1 });
      expect(supervisor.status).toMatchObject({ restarts: 0, framesDelivered: 2 });
      expect(supervisor.status.framesDropped).toEqual({});
    });

    it.runIf(isDeep)('counts a picture that came with packets missing', async () => {
      start({ resendsPackets: false });
      await untilState('running');
      await camera.losePackets(0.3);
      await camera.pulse();
      await vi.waitFor(() => expect(slots.framesDropped).toEqual({ unreadable: 1 }), {
        timeout: 15_000,
      });
      await camera.losePackets(0);
      expect(await pictureOfPulse()).toMatchObject(size);
      expect(slots.framesDelivered).toBe(2);
    });

    it('runs freely again when the trigger is configured no more', async () => {
      expect(await secondFrame(source)).toMatchObject(size);
      expect(await camera.registers()).toMatchObject({ triggerMode: 0 });
    });

    it.runIf(isDeep)('is held by one program, and comes back when that was killed', async () => {
      start();
      await untilState('running');
      await expect(secondFrame(source)).rejects.toMatchObject({
        code: 'CAMERA_SOURCE_FAILED',
        message: expect.stringContaining('another program controls it') as string,
      });
      process.kill(holder(), 'SIGKILL');
      await untilState('reconnecting');
      expect(supervisor.status.reason!.message).toContain('ended by SIGKILL');
      await untilState('running');
      expect(await pictureOfPulse()).toMatchObject(size);
    });

    it.runIf(isDeep)('takes nothing else on the network for pieces of pictures', async () => {
      const noise = createSocket('udp4');
      await new Promise<void>((resolve) => noise.bind(0, '127.0.0.1', resolve));
      const datagram = Buffer.alloc(1200, 0x80);
      const timer = setInterval(() => {
        for (let count = 0; count < 8; count += 1) {
          noise.send(datagram, noise.address().port, '127.0.0.1');
        }
      }, 2);
      try {
        for (let opening = 0; opening < 8; opening += 1) {
          start();
          await untilState('running');
          expect(await pictureOfPulse()).toMatchObject({ ...size, sequence: 0 });
          expect(slots.framesDelivered).toBe(1);
          await supervisor.close();
        }
      } finally {
        clearInterval(timer);
        noise.close();
      }
    });

    it.runIf(isDeep)('has one verdict a pulse when each frame is its own trigger', async () => {
      const folder = await mkdtemp(path.join(tmpdir(), 'vedette-genicam-'));
      const { runtime, close } = await startRuntime(folder, {
        models: { brick: { package: path.join(samplesFolder, 'models', 'brick-anomaly') } },
        cameras: {
          gate: {
            ...{ policy: 'triggered', model: 'brick' },
            source: {
              ...{ ...source, kind: 'genicam', trigger: { source: 'Line1' } },
              resendsPackets: false,
            },
            trigger: { isByFrame: true, deadlineMs: 20_000 },
          },
        },
      });
      try {
        const gate = () => runtime.camera('gate');
        await vi.waitFor(() => expect(gate().state).toBe('running'), { timeout: 15_000 });
        for (const answered of [1, 2, 3]) {
          await camera.pulse();
          await vi.waitFor(() => expect(gate().triggers!.answered).toBe(answered), {
            timeout: 15_000,
          });
        }
        expect(gate()).toMatchObject({ framesDelivered: 3, restarts: 0 });
        expect(gate().framesDropped).toEqual({});
        // An answer is told before it is stored.
        await vi.waitFor(
          async () =>
            expect(await runtime.transactions('gate', 10)).toMatchObject([
              ...[{ end: 'answered' }, { end: 'answered' }, { end: 'answered' }],
            ]),
          { timeout: 15_000 },
        );
        await camera.losePackets(0.3);
        await camera.pulse();
        await vi.waitFor(
          async () =>
            expect((await runtime.results({ limit: 1 })).items[0]).toMatchObject({
              verdict: { outcome: 'error' },
              error: { code: 'IMAGE_CORRUPT' },
            }),
          { timeout: 15_000 },
        );
        expect(gate().framesDropped).toEqual({ unreadable: 1 });
      } finally {
        await camera.losePackets(0);
        await close();
      }
    });

    it.each(isDeep ? (['without control', 'unplugged'] as const) : (['without control'] as const))(
      'is missed when it is %s, and waits for its trigger again afterwards',
      async (how) => {
        start();
        await untilState('running');
        await (how === 'unplugged' ? camera.close() : camera.release());
        await untilState('reconnecting');
        expect(supervisor.status.reason).toMatchObject({
          code: 'CAMERA_SOURCE_FAILED',
          message: expect.stringContaining('not under control any more: unplugged') as string,
        });
        if (how === 'unplugged') camera = await GenicamStandIn.start('V2');
        await untilState('running');
        expect(await pictureOfPulse()).toMatchObject(size);
      },
    );
  });
});
