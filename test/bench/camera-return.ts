import { setTimeout as pause } from 'node:timers/promises';
import { RtspServer } from '../support/rtsp-server.ts';
import type { BenchContext } from './section.ts';
import { cameraStatus, sample, startVedette } from './vedette-process.ts';

const RETURNS = 10;
const CAMERA = 'line';
const MODEL = 'coco-detector';
/** How long the stream is away: from less than the first back-off to well over a few of them. */
const SHORTEST_ABSENCE_MS = 200;
const LONGEST_ABSENCE_MS = 8000;
const POLL_MS = 20;
/** Frames come for so long before the next cut. */
const STEADY_MS = 1000;

/**
 * A camera on an RTSP server that is killed and comes back on the same port.
 * @returns milliseconds from «it listens again» to the first frame here, one for each return
 */
export async function measureCameraReturns(context: BenchContext): Promise<readonly number[]> {
  const { root, progress } = context;
  let stream = await RtspServer.start({ size: '640x480' });
  const { port } = stream;
  const server = await startVedette(context, 'a camera whose stream comes back', {
    models: { [MODEL]: { package: sample(root, `models/${MODEL}`) } },
    cameras: { [CAMERA]: { model: MODEL, source: { kind: 'ffmpeg', url: stream.url('live') } } },
  });
  try {
    const frames = async () => (await cameraStatus(server, CAMERA)).framesDelivered;
    const untilMoreThan = (count: number) =>
      server.until(async () => (await frames()) > count, POLL_MS);
    await untilMoreThan(0);
    const returnsMs: number[] = [];
    for (let turn = 0; turn < RETURNS; turn += 1) {
      progress(`return ${turn + 1} of ${RETURNS}`);
      await pause(STEADY_MS);
      await stream.close();
      await server.until(
        async () => (await cameraStatus(server, CAMERA)).state !== 'running',
        POLL_MS,
      );
      const before = await frames();
      const spread = (LONGEST_ABSENCE_MS - SHORTEST_ABSENCE_MS) / (RETURNS - 1);
      await pause(SHORTEST_ABSENCE_MS + turn * spread);
      stream = await RtspServer.start({ size: '640x480', port });
      const backAt = performance.now();
      await untilMoreThan(before);
      returnsMs.push(performance.now() - backAt);
    }
    return returnsMs;
  } finally {
    await server.close();
    await stream.close();
  }
}
