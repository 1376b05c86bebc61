import { afterEach, describe, expect, it } from 'vitest';
import { onvifStreams } from '../../../component/camera/discovery/onvif-streams.ts';
import { discoverOnvif } from '../../../component/camera/discovery/ws-discovery.ts';
import { OnvifCamera, type OnvifCameraOptions } from '../../support/onvif-camera.ts';

let camera: OnvifCamera;
afterEach(() => camera.close());

async function start(options: OnvifCameraOptions = {}): Promise<OnvifCamera> {
  camera = await OnvifCamera.start(options);
  return camera;
}

const ask = () =>
  discoverOnvif({
    durationMs: 400,
    target: { address: '127.0.0.1', port: camera.discoveryPort },
  });

const STREAMS = [
  {
    profile: 'main',
    url: 'rtsp://127.0.0.1:554/live',
    encoding: 'H264',
    width: 1920,
    height: 1080,
    framesPerSecond: 25,
  },
  {
    profile: 'sub',
    url: 'rtsp://127.0.0.1:554/sub?a=1&b=2',
    encoding: 'JPEG',
    width: 640,
    height: 360,
    framesPerSecond: 5,
  },
];

describe('looking for ONVIF cameras', () => {
  it('finds one, by the address that it answered from, once', async () => {
    await start();
    expect(await ask()).toEqual([
      { address: '127.0.0.1', service: camera.service, name: 'Gate & Dock', hardware: 'V-1000' },
    ]);
    expect(camera.probes).toBe(3);
  });

  it('takes nothing that is no answer to its own question', async () => {
    await start();
    for (const answer of [
      '',
      'garbage',
      '<a>',
      '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
      '<a><RelatesTo>uuid:0</RelatesTo><ProbeMatch><XAddrs>http://127.0.0.1/</XAddrs></ProbeMatch></a>',
      'x'.repeat(60_000),
    ]) {
      camera.discoveryAnswer = Buffer.from(answer);
      expect(await ask()).toEqual([]);
    }
  });
});

describe('the streams of an ONVIF camera', () => {
  it('are told with size and rate, at the address that answered, without the login in them', async () => {
    await start();
    expect(await onvifStreams(camera.service)).toEqual(STREAMS);
  });

  it.each([0, 3_600_000, -86_400_000])(
    'are told to who logs in, whatever the clock of the camera (%i ms ahead)',
    async (clockAheadMs) => {
      const login = { username: 'änn<&>', password: 'p@ss<"é' };
      await start({ username: 'ann', password: login.password, clockAheadMs });
      expect(await onvifStreams(camera.service, { ...login, username: 'ann' })).toEqual(STREAMS);
      await expect(onvifStreams(camera.service, login)).rejects.toMatchObject({
        code: 'CAMERA_LOGIN_REFUSED',
      });
      await expect(onvifStreams(camera.service)).rejects.toMatchObject({
        code: 'CAMERA_LOGIN_REFUSED',
      });
    },
  );

  it.each([
    ['', /not one element/],
    ['<html><body>hello</body></html>', /no media service/],
    ['<a>', /cut short/],
    ['<a>'.repeat(100), /elements deep/],
    ['<a/>'.repeat(20_000), /more than 10000 elements/],
    [' '.repeat(300_000), /too long/],
    ['<a><Fault><Text>out of order</Text></Fault></a>', /out of order/],
  ])('end with a reason when the camera answers %.20s…', async (body, reason) => {
    await start();
    camera.body = body;
    await expect(onvifStreams(camera.service)).rejects.toMatchObject({
      code: 'CAMERA_SOURCE_FAILED',
      message: expect.stringMatching(reason) as string,
    });
  });
});
