import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FfmpegCamera } from '../../../component/camera/ffmpeg-camera.ts';
import type { FfmpegSource } from '../../../component/camera/ffmpeg-input.ts';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { HttpConnection } from '../../../component/camera/http-connection.ts';
import { saidBy } from '../../../component/camera/return-watch.ts';
import { cameraSourceSchema } from '../../../component/contract/camera-config.ts';
import { UnreachablePort } from '../../support/unreachable-port.ts';

const never = new AbortController().signal;
let off: UnreachablePort;
/** Takes every question and answers none. */
let mute: Server;
let heard = 0;

beforeAll(async () => {
  off = await UnreachablePort.open();
  mute = createServer((socket) => {
    socket.on('error', () => {}).on('data', () => (heard += 1));
  });
  await once(mute.listen(0, '127.0.0.1'), 'listening');
});
afterAll(async () => {
  await off.close();
  mute.close();
});

const at = (scheme: string, port: number) => `${scheme}://127.0.0.1:${port}/live`;

async function runFfmpeg(url: string): Promise<void> {
  const slots = new FrameSlots({ slots: 3, slotBytes: 200_000, policy: 'newest' });
  const camera = new FfmpegCamera({
    name: 'gate',
    source: cameraSourceSchema.parse({ kind: 'ffmpeg', url }) as FfmpegSource,
    pace: 'source',
    ffmpegPath: '/nonexistent/ffmpeg',
    readSecret: () => Promise.reject(new Error('no secret is needed')),
  });
  try {
    await camera.run(slots, AbortSignal.timeout(20_000));
  } finally {
    slots.close();
  }
}

async function requireAnswer(url: string): Promise<void> {
  const connection = new HttpConnection({ url, timeoutMs: 100 });
  try {
    await connection.requireAnswer(never);
  } finally {
    connection.close();
  }
}

describe.concurrent('a camera that cannot be reached', () => {
  it('is told from one that takes a question and answers nothing', async () => {
    const { port } = mute.address() as AddressInfo;
    const said = await Promise.all([
      saidBy(at('rtsp', off.port), 'connection', never),
      saidBy(at('rtsp', off.port), 'question', never),
      saidBy(at('rtsp', port), 'connection', never),
      saidBy(at('rtsp', port), 'question', never),
    ]);
    expect(said).toEqual(['unreachable', 'unreachable', 'open', 'silent']);
    expect(heard).toBe(1);
  });

  it.each(['rtsp', 'http'])('is not opened by ffmpeg over %s, and says why', async (scheme) => {
    await expect(runFfmpeg(at(scheme, off.port))).rejects.toMatchObject({
      code: 'CAMERA_SOURCE_FAILED',
      message: expect.stringContaining('the camera cannot be reached'),
    });
  });

  it('is not said to take questions', async () => {
    await expect(requireAnswer(at('http', off.port))).rejects.toMatchObject({
      code: 'CAMERA_SOURCE_FAILED',
      message: expect.stringContaining('the camera cannot be reached'),
    });
  });
});
