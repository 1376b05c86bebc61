import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  CameraSupervisor,
  type CameraHealth,
  type RetryTimes,
} from '../../../component/camera/camera-supervisor.ts';
import { createDriver } from '../../../component/camera/create-driver.ts';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { cameraSchema } from '../../../component/contract/camera-config.ts';
import { describeCameraDriver } from '../../contract/camera/camera-driver.contract.ts';
import { HttpCamera, type HttpCameraOptions } from '../../support/http-camera.ts';

const PASSWORD = 'p@ss "w\\rd" é';
const never = new AbortController().signal;

const driverOf = (source: Record<string, unknown>, password = '') =>
  createDriver({
    name: 'gate',
    camera: cameraSchema.parse({ source, model: 'coco-detector' }),
    ffmpegPath: 'ffmpeg',
    readSecret: () => Promise.resolve(password),
  });

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function cameraWith(options: HttpCameraOptions = {}): Promise<HttpCamera> {
  const camera = await HttpCamera.start(options);
  closing.push(() => camera.close());
  return camera;
}

function supervise(
  source: Record<string, unknown>,
  { password, ...retry }: Partial<RetryTimes> & { password?: string } = {},
) {
  const slots = new FrameSlots({ slots: 3, slotBytes: 1_000_000, policy: 'newest' });
  const changes: CameraHealth[] = [];
  const supervisor = new CameraSupervisor({
    name: 'gate',
    driver: driverOf(source, password),
    slots,
    onChange: (health) => changes.push(health),
    retry: { firstMs: 20, maximumMs: 50, openingMs: 500, ...retry },
  });
  closing.push(async () => {
    await supervisor.close();
    slots.close();
  });
  supervisor.start();
  return { slots, changes, supervisor };
}

const KINDS = [
  { kind: 'http-snapshot', path: '/snapshot', rest: { intervalMs: 10 } },
  { kind: 'http-mjpeg', path: '/stream', rest: {} },
] as const;

describe.each(KINDS)('a source of kind $kind', ({ kind, path, rest }) => {
  it.each(['basic', 'digest-md5', 'digest-sha256', 'digest-without-qop'] as const)(
    'logs in by %s and keeps the login',
    async (login) => {
      const camera = await cameraWith({ login, username: 'änn', password: PASSWORD });
      const values = { kind, url: camera.url(`${path}?channel=1`), username: 'änn', ...rest };
      const { slots } = supervise({ ...values, password: { file: 'x' } }, { password: PASSWORD });
      for (let index = 0; index < 3; index += 1) slots.release((await slots.next(never))!);
      expect(camera.refusals).toBe(1);
    },
  );

  it('says once that a login is refused, does not ask again, and shows no password', async () => {
    const camera = await cameraWith({ login: 'basic', username: 'ann', password: PASSWORD });
    const url = camera.url(`${path}?pwd=hidden-word&channel=1`);
    const values = { kind, url, username: 'ann', password: { file: 'x' }, ...rest };
    const { supervisor, changes } = supervise(values, { password: 'wrong-word' });
    await vi.waitFor(() => expect(supervisor.status.state).toBe('failed'));
    expect(supervisor.status.reason).toMatchObject({ code: 'CAMERA_LOGIN_REFUSED' });
    expect(supervisor.status.reason?.message).toContain('?pwd=***&channel=1');
    expect(JSON.stringify(changes)).not.toMatch(/wrong-word|hidden-word/);
    expect(changes).toHaveLength(1);
    expect(camera.refusals).toBe(2);
    supervisor.restart();
    await vi.waitFor(() => expect(camera.refusals).toBe(4));
  });

  it('with a login runs as soon as it has pictures, however long the pause', async () => {
    const camera = await cameraWith({ login: 'digest-md5', username: 'ann', password: PASSWORD });
    camera.status = 503;
    const login = { username: 'ann', password: { file: 'x' } };
    const retry = { password: PASSWORD, firstMs: 600_000, maximumMs: 600_000 };
    const { supervisor } = supervise({ kind, url: camera.url(path), ...login, ...rest }, retry);
    await vi.waitFor(() => expect(supervisor.status.state).toBe('reconnecting'));
    camera.status = 200;
    await vi.waitFor(() => expect(supervisor.status.state).toBe('running'), 10_000);
    expect(supervisor.status.restarts).toBe(1);
  });

  it('says that a login is asked for', async () => {
    const camera = await cameraWith({ login: 'basic' });
    const { supervisor } = supervise({ kind, url: camera.url(path), ...rest });
    await vi.waitFor(() => expect(supervisor.status.reason?.message).toMatch(/set username and/));
  });

  it('says that a host name is not known, and goes on trying', async () => {
    const { supervisor } = supervise({ kind, url: `http://camera.invalid${path}`, ...rest });
    await vi.waitFor(
      () => expect(supervisor.status.reason?.message).toMatch(/no such host name|name server/),
      10_000,
    );
    expect(supervisor.status.state).toBe('reconnecting');
  });

  it('says what was answered in place of a picture, and where to', async () => {
    const camera = await cameraWith();
    camera.status = 302;
    const { supervisor } = supervise({ kind, url: camera.url(path), ...rest });
    await vi.waitFor(() =>
      expect(supervisor.status.reason?.message).toMatch(/302 Found to http:\/\/\*\*\*@elsewhere/),
    );
    expect(supervisor.status.state).toBe('reconnecting');
  });

  it('counts what is no picture', async () => {
    const camera = await cameraWith();
    camera.body = Uint8Array.from([0xff, 0xd8, 0xff, 0xd9, 1, 2, 3]);
    const { slots } = supervise({ kind, url: camera.url(path), ...rest });
    await vi.waitFor(() => expect(slots.framesDropped.unreadable).toBeGreaterThan(0));
  });

  it('comes back when the camera was switched off and on', async () => {
    const camera = await cameraWith();
    const { port } = camera;
    const { slots, supervisor } = supervise({ kind, url: camera.url(path), ...rest });
    slots.release((await slots.next(never))!);
    await camera.close();
    await vi.waitFor(() => expect(supervisor.status.reason?.message).toMatch(/nothing listens/));
    const again = await HttpCamera.start({}, port);
    closing.push(() => again.close());
    await vi.waitFor(() => expect(supervisor.status.state).toBe('running'), 5000);
  });

  it('comes back as soon as the camera answers pictures again, or answers at all, long before its pause is over', async () => {
    const camera = await cameraWith();
    const { slots, supervisor } = supervise(
      { kind, url: camera.url(path), timeoutMs: 200, ...rest },
      { firstMs: 3_600_000, maximumMs: 3_600_000 },
    );
    for (const fault of [{ status: 503 }, { isSilent: true }]) {
      slots.release((await slots.next(never))!);
      Object.assign(camera, fault);
      camera.cutConnections();
      await vi.waitFor(() => expect(supervisor.status.state).not.toBe('running'), 5000);
      // It is asked whether it is back.
      const { requests } = camera;
      await vi.waitFor(() => expect(camera.requests).toBeGreaterThan(requests), 5000);
      Object.assign(camera, { status: 200, isSilent: false });
      await vi.waitFor(() => expect(supervisor.status.state).toBe('running'), 10_000);
    }
  });

  it('comes back when it answers again just when it was given up', async () => {
    const camera = await cameraWith();
    camera.isSilent = true;
    const { supervisor } = supervise(
      { kind, url: camera.url(path), timeoutMs: 200, ...rest },
      { firstMs: 3_600_000, maximumMs: 3_600_000 },
    );
    await vi.waitFor(() => expect(supervisor.status.reason).toBeDefined(), { interval: 1 });
    camera.isSilent = false;
    await vi.waitFor(() => expect(supervisor.status.state).toBe('running'), 10_000);
  });

  it('comes back when it has pictures again just when it was given up', async () => {
    const camera = await cameraWith();
    camera.unreadyAnswers = 1;
    const { supervisor } = supervise(
      { kind, url: camera.url(path), ...rest },
      { firstMs: 3_600_000, maximumMs: 3_600_000 },
    );
    await vi.waitFor(() => expect(supervisor.status.state).toBe('running'), 10_000);
    expect(supervisor.status.restarts).toBe(1);
  });

  it('gives up a camera that takes the request and answers nothing', async () => {
    const camera = await cameraWith();
    camera.isSilent = true;
    const { supervisor } = supervise({ kind, url: camera.url(path), timeoutMs: 100, ...rest });
    await vi.waitFor(() => expect(supervisor.status.reason?.message).toMatch(/no answer came/));
    camera.isSilent = false;
    await vi.waitFor(() => expect(supervisor.status.state).toBe('running'), 5000);
  });
});

describe('pictures that are polled', () => {
  it.each([true, false])(
    'counts a picture that is the one before (ETags: %s)',
    async (hasEtags) => {
      const camera = await cameraWith();
      camera.hasEtags = hasEtags;
      camera.isFrozen = true;
      const url = camera.url('/snapshot');
      const { slots, supervisor } = supervise({ kind: 'http-snapshot', url, intervalMs: 10 });
      await vi.waitFor(() => expect(slots.framesDropped.unchanged).toBeGreaterThan(2));
      expect(slots.framesDelivered - slots.framesDropped.unchanged!).toBe(1);
      expect(supervisor.status.state).toBe('running');
      expect(camera.notModified > 0).toBe(hasEtags);
      camera.isFrozen = false;
      slots.release((await slots.next(never))!);
      await slots.next(never);
    },
  );

  it('are dated by when they were asked for: the camera may have taken them at any time since', async () => {
    const camera = await cameraWith();
    const answering = Promise.withResolvers<void>();
    camera.answering = answering.promise;
    const url = camera.url('/snapshot');
    const { slots } = supervise({ kind: 'http-snapshot', url, intervalMs: 10 });
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(camera.askedAtMs[0]! + 1));
    answering.resolve();
    const lease = (await slots.next(never))!;
    expect(lease.capturedAtMs).toBeLessThanOrEqual(camera.askedAtMs[lease.sequence]!);
    slots.release(lease);
  });
});

describe('an MJPEG stream', () => {
  it('that went silent is back when it speaks, long before its time-out', async () => {
    const camera = await cameraWith();
    const { supervisor } = supervise(
      { kind: 'http-mjpeg', url: camera.url('/stream'), stallTimeoutMs: 500, timeoutMs: 60_000 },
      { openingMs: 60_000 },
    );
    await vi.waitFor(() => expect(supervisor.status.state).toBe('running'));
    camera.isSilent = true;
    await vi.waitFor(() => expect(supervisor.status.restarts).toBeGreaterThan(0), 10_000);
    camera.isSilent = false;
    await vi.waitFor(() => expect(supervisor.status.state).toBe('running'), 10_000);
  });

  it('is stalled when it goes silent', async () => {
    const camera = await cameraWith();
    const source = { kind: 'http-mjpeg', url: camera.url('/stream'), stallTimeoutMs: 500 };
    const { supervisor } = supervise(source);
    await vi.waitFor(() => expect(supervisor.status.state).toBe('running'));
    camera.isSilent = true;
    await vi.waitFor(() => expect(supervisor.status.state).toBe('stalled'), 5000);
  });

  it('runs on when the system clock is set back an hour, and is still watched', async () => {
    const camera = await cameraWith();
    const source = { kind: 'http-mjpeg', url: camera.url('/stream'), stallTimeoutMs: 500 };
    const { slots, supervisor, changes } = supervise(source);
    slots.release((await slots.next(never))!);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
    try {
      for (let index = 0; index < 200; index += 1) {
        const lease = (await slots.next(never))!;
        slots.release(lease);
        if (index > 3) expect(lease.capturedAtMs).toBeLessThanOrEqual(Date.now());
      }
      expect(changes.map(({ state }) => state)).toEqual(['running']);
      camera.isSilent = true;
      while (supervisor.status.state === 'running') await sleep(20);
      expect(supervisor.status.state).toBe('stalled');
    } finally {
      vi.useRealTimers();
    }
  });

  it('refuses a page of text and points to http-snapshot for a single picture', async () => {
    const camera = await cameraWith();
    camera.contentType = 'text/html';
    const { supervisor } = supervise({ kind: 'http-mjpeg', url: camera.url('/stream') });
    await vi.waitFor(() =>
      expect(supervisor.status.reason?.message).toMatch(/answered text\/html/),
    );
    camera.contentType = 'image/jpeg';
    await vi.waitFor(() => expect(supervisor.status.reason?.message).toMatch(/for http-snapshot/));
  });
});

for (const { kind, path, rest } of KINDS) {
  describeCameraDriver(`a source of kind ${kind}`, async () => {
    const camera = await HttpCamera.start();
    return {
      driver: driverOf({ kind, url: camera.url(path), ...rest }),
      smallestFrameBytes: 10_000,
      largestFrameBytes: 1_000_000,
      canWait: false,
      close: () => camera.close(),
    };
  });
}
