import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FfmpegCamera } from '../../../component/camera/ffmpeg-camera.ts';
import type { FfmpegSource } from '../../../component/camera/ffmpeg-input.ts';
import { FrameSlots } from '../../../component/camera/frame-slots.ts';
import { cameraSourceSchema } from '../../../component/contract/camera-config.ts';

const PASSWORD = "p@ss/w:rd' %";
const picture = readFileSync('samples/images/street/walkway-00.jpg');
let server: Server;
let url: string;

/** What a network camera answers at its MJPEG address. */
beforeAll(async () => {
  server = createServer((request, response) => {
    const expected = `Basic ${Buffer.from(`ann:${PASSWORD}`).toString('base64')}`;
    if (request.url === '/guarded' && request.headers.authorization !== expected) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="camera"' }).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=frame' });
    const timer = setInterval(() => {
      response.write(
        `--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n\r\n`,
      );
      response.write(picture);
      response.write('\r\n');
    }, 40);
    response.on('close', () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const cameraOf = (values: Record<string, unknown>, password: string) =>
  new FfmpegCamera({
    name: 'gate',
    source: cameraSourceSchema.parse({ kind: 'ffmpeg', ...values }) as FfmpegSource,
    pace: 'source',
    ffmpegPath: 'ffmpeg',
    readSecret: () => Promise.resolve(password),
  });

async function firstFrame(camera: FfmpegCamera) {
  const slots = new FrameSlots({ slots: 3, slotBytes: 2_000_000, policy: 'newest' });
  const stop = new AbortController();
  const run = camera.run(slots, stop.signal);
  try {
    return await Promise.race([slots.next(AbortSignal.timeout(15_000)), run]);
  } finally {
    stop.abort();
    await run.catch(() => {});
    slots.close();
  }
}

describe('a camera that speaks HTTP', () => {
  it('delivers the pictures of a multipart stream', async () => {
    expect(await firstFrame(cameraOf({ url: `${url}/open` }, ''))).toMatchObject({
      format: 'i420',
      width: 768,
      height: 576,
    });
  });

  it('logs in with a password from a secret', async () => {
    const values = { url: `${url}/guarded`, username: 'ann', password: { file: '/run/secret' } };
    expect(await firstFrame(cameraOf(values, PASSWORD))).toMatchObject({ width: 768 });
    await expect(firstFrame(cameraOf(values, 'wrong-word'))).rejects.toMatchObject({
      code: 'CAMERA_LOGIN_REFUSED',
      message: expect.stringMatching(/^(?!.*wrong-word).*401/) as string,
    });
  });

  it('says that a format cannot be forced on a guarded stream', async () => {
    const values = { url: `${url}/guarded`, username: 'ann', inputFormat: 'mjpeg' };
    await expect(firstFrame(cameraOf(values, PASSWORD))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});
