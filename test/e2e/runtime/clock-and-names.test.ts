import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CameraStatus, Notice, Page } from '../../../component/contract/ports.ts';
import type { InferenceResult } from '../../../component/contract/result.ts';
import { hasRtspServer, RtspServer } from '../../support/rtsp-server.ts';
import { RuntimeFolder, samples, type RuntimeProcess } from '../../support/runtime-process.ts';
import { cameraUntil } from '../../support/runtime-requests.ts';

const CPU = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
/** Debian's libnss-wrapper and libfaketime: names and the clock are what two files say. */
const LIBRARIES = [
  `/usr/lib/${CPU}-linux-gnu/libnss_wrapper.so`,
  `/usr/lib/${CPU}-linux-gnu/faketime/libfaketimeMT.so.1`,
];
const HOUR_MS = 3_600_000;

const canRun = hasRtspServer() && LIBRARIES.every((library) => existsSync(library));
if (!canRun && process.env['CI'] !== undefined) throw new Error(`missing: ${LIBRARIES.join(', ')}`);

describe.skipIf(!canRun)('a runtime whose surroundings lie', () => {
  let folder: RuntimeFolder;
  let server: RtspServer;
  let runtime: RuntimeProcess;

  const write = (name: string, text: string) => {
    writeFileSync(folder.join(`${name}.new`), text);
    renameSync(folder.join(`${name}.new`), folder.join(name));
  };

  beforeAll(async () => {
    folder = await RuntimeFolder.create();
    server = await RtspServer.start({ size: '320x240', rate: 5 });
    write('hosts', '127.0.0.1 gate.example\n127.0.0.1 localhost\n');
    write('offset', '+0');
    const camera = { model: 'brick-anomaly', policy: 'newest', health: { frozenAfterMs: 5000 } };
    runtime = await folder.start(
      {
        models: { 'brick-anomaly': { package: samples('models', 'brick-anomaly') } },
        cameras: {
          gate: {
            ...camera,
            source: { kind: 'ffmpeg', url: `rtsp://gate.example:${server.port}/live` },
          },
          dock: {
            model: 'brick-anomaly',
            policy: 'triggered',
            trigger: { deadlineMs: 5000 },
            source: { kind: 'folder', path: samples('images', 'brick'), framesPerSecond: 5 },
          },
        },
      },
      {
        environment: {
          LD_PRELOAD: LIBRARIES.join(' '),
          NSS_WRAPPER_HOSTS: folder.join('hosts'),
          FAKETIME_TIMESTAMP_FILE: folder.join('offset'),
          FAKETIME_NO_CACHE: '1',
          FAKETIME_DONT_FAKE_MONOTONIC: '1',
        },
      },
    );
    await runtime.ready();
    await cameraUntil(runtime, 'gate', ({ framesJudged }) => framesJudged > 3);
  });
  afterAll(async () => {
    await folder.close();
    await server.close();
  });

  it('says that the name of a camera is not known any more, and has it back with the name', async () => {
    const { port } = server;
    write('hosts', '127.0.0.1 localhost\n');
    await server.close();
    server = await RtspServer.start({ size: '320x240', rate: 5, port });
    const lost = await cameraUntil(
      runtime,
      'gate',
      ({ state, reason }) => state === 'reconnecting' && /name/i.test(reason?.message ?? ''),
    );
    expect(lost.reason).toMatchObject({ code: 'CAMERA_SOURCE_FAILED' });
    expect(lost.reason?.message).toContain('gate.example');
    write('hosts', '127.0.0.1 gate.example\n127.0.0.1 localhost\n');
    await cameraUntil(
      runtime,
      'gate',
      ({ state, framesJudged }) => state === 'running' && framesJudged > lost.framesJudged,
    );
  });

  it('goes on when the clock is set back an hour: every frame and every trigger has its answer', async () => {
    const resultsOf = async (camera: string) =>
      (await runtime.get<Page<InferenceResult>>(`/api/v1/results?camera=${camera}&limit=100`))
        .items;
    const trigger = async (id: string) => {
      const beganMs = performance.now();
      const response = await runtime.fetch('/api/v1/cameras/dock/trigger', {
        method: 'POST',
        body: JSON.stringify({ id }),
        headers: { 'content-type': 'application/json' },
      });
      const answer = (await response.json()) as InferenceResult;
      return { status: response.status, answer, tookMs: performance.now() - beganMs };
    };
    const before = await trigger('before');
    expect(before).toMatchObject({ status: 200 });
    const { framesJudged } = await cameraUntil(runtime, 'gate', () => true);
    write('offset', '-1h');
    const after = await trigger('after');
    expect(after.status).toBe(200);
    expect(after.answer.transaction).toMatchObject({ isFailSafe: false });
    const hourBefore =
      Date.parse(after.answer.frame.capturedAt) - Date.parse(before.answer.frame.capturedAt);
    expect(hourBefore).toBeLessThan(-HOUR_MS + 60_000);
    // Longer than it takes to call a picture frozen.
    await pause(6000);
    const gate = await cameraUntil(
      runtime,
      'gate',
      (camera: CameraStatus) => camera.framesJudged > framesJudged + 15,
    );
    expect(gate).toMatchObject({ state: 'running' });
    const { items } = await runtime.get<{ items: Notice[] }>('/api/v1/notices');
    expect(items.filter(({ error }) => /frozen|still/i.test(error.message))).toEqual([]);
    const sequences = (await resultsOf('gate')).map(({ frame }) => frame.sequence);
    expect(new Set(sequences).size).toBe(sequences.length);
    write('offset', '+0');
    const again = await trigger('again');
    expect(again.status).toBe(200);
    for (const { answer } of [before, after, again]) {
      expect(await runtime.get(`/api/v1/results/${answer.id}`)).toMatchObject({ id: answer.id });
    }
    expect(await runtime.stop()).toEqual({ code: 0, signal: null });
    const errors = runtime.log.filter(({ level }) => level === 'error' || level === 'fatal');
    expect(errors).toEqual([]);
  });
});
