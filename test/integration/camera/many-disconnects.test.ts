import { readdirSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { CameraSupervisor } from '../../../component/camera/camera-supervisor.ts';
import { createDriver } from '../../../component/camera/create-driver.ts';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { cameraSchema } from '../../../component/contract/camera-config.ts';
import { HttpCamera } from '../../support/http-camera.ts';
import { hasRtspServer, RtspServer } from '../../support/rtsp-server.ts';
import { RtspWire } from '../../support/rtsp-wire.ts';

const IS_DEEP = process.env['VEDETTE_DEEP'] === '1';
const DISCONNECTS = IS_DEEP ? 1000 : 20;
/** The first ones open what stays for the life of the process, and the heap finds its size. */
const WARM_UP = IS_DEEP ? 100 : 3;
/** What an allocator may keep: of the 900 disconnects of the deep run each may leave 66 kB, no frame of 900 kB. */
const MAX_GROWTH_BYTES = 60_000_000;
const SAMPLES = 5;

const camera = await HttpCamera.start();
camera.isExact = true;
const server = hasRtspServer() ? await RtspServer.start({ rate: 25 }) : undefined;
const wire = server && (await RtspWire.to(server.port));
afterAll(async () => {
  await camera.close();
  await wire?.close();
  await server?.close();
});

const allChildren = () =>
  readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
const servers = new Set(allChildren());
/** Of this process, but for the server. */
const children = () => allChildren().filter((pid) => !servers.has(pid));
const descriptors = () => readdirSync('/proc/self/fd').length;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
/** Of what is in use: the median of samples, since worker threads and the allocator give back in their time. */
async function residentBytes(): Promise<number> {
  const samples: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
    samples.push(process.memoryUsage.rss());
  }
  return samples.toSorted((a, b) => a - b)[Math.floor(SAMPLES / 2)]!;
}

describe.each([
  {
    what: 'an HTTP camera',
    source: { kind: 'http-mjpeg', url: camera.url('/stream') },
    cut: () => camera.cutConnections(),
  },
  ...(wire === undefined
    ? []
    : [
        {
          what: 'an RTSP camera',
          source: { kind: 'ffmpeg', url: wire.url('live') },
          cut: () => wire.cut(),
        },
      ]),
])('$what', ({ what, source, cut: cutConnections }) => {
  it(
    `comes back from ${DISCONNECTS} cut connections with nothing left over`,
    { timeout: 3_600_000 },
    async () => {
      const driver = createDriver({
        name: 'gate',
        camera: cameraSchema.parse({ source, model: 'coco-detector' }),
        ffmpegPath: 'ffmpeg',
        readSecret: () => Promise.reject(new Error('no secret is needed')),
      });
      const slots = new FrameSlots({ slots: 3, slotBytes: 1_000_000, policy: 'newest' });
      const retry = { firstMs: 1, maximumMs: 2 };
      const supervisor = new CameraSupervisor({ name: 'gate', driver, slots, retry });
      const recoveriesMs: number[] = [];
      const frameAfter = async (frames: number) => {
        const lease = (await slots.next(AbortSignal.timeout(30_000)))!;
        slots.release(lease);
        if (slots.framesDelivered <= frames) await frameAfter(frames);
      };
      supervisor.start();
      let before: { descriptors: number; rss: number } | undefined;
      try {
        for (let cut = 0; cut < DISCONNECTS; cut += 1) {
          await frameAfter(slots.framesDelivered);
          if (cut === WARM_UP) before = { descriptors: descriptors(), rss: await residentBytes() };
          const { restarts } = supervisor.status;
          cutConnections();
          const cutMs = performance.now();
          await vi.waitFor(() => expect(supervisor.status.restarts).toBeGreaterThan(restarts), {
            timeout: 30_000,
            interval: 1,
          });
          await frameAfter(slots.framesDelivered);
          recoveriesMs.push(performance.now() - cutMs);
        }
        expect(descriptors()).toBeLessThanOrEqual(before!.descriptors + 2);
        const grownBytes = (await residentBytes()) - before!.rss;
        console.log(`${what}: ${(grownBytes / 1e6).toFixed(1)} MB more after ${DISCONNECTS} cuts`);
        expect(grownBytes).toBeLessThan(MAX_GROWTH_BYTES);
        expect(children().length).toBeLessThanOrEqual(1);
      } finally {
        await supervisor.close();
        slots.close();
      }
      expect(children()).toEqual([]);
      recoveriesMs.sort((a, b) => a - b);
      const at = (part: number) => recoveriesMs[Math.floor(part * (DISCONNECTS - 1))]!.toFixed(0);
      console.log(
        `${what}: ${DISCONNECTS} cuts, back after ${at(0.5)} ms (median), ${at(0.99)} (p99), ${at(1)} (most)`,
      );
    },
  );
});
