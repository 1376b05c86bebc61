import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HttpCamera } from '../../support/http-camera.ts';
import { OnvifCamera } from '../../support/onvif-camera.ts';
import { hasUsbCameras, USB_MACHINE, UsbCamera } from '../../support/usb-camera.ts';
import { runVedette } from '../../support/runtime-process.ts';

const PASSWORD = 'hidden word';
let folder: string;
let passwordFile: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'vedette-camera-'));
  passwordFile = path.join(folder, 'password');
  await writeFile(passwordFile, `${PASSWORD}\n`);
});
afterAll(() => rm(folder, { recursive: true }));

const vedette = (...args: string[]) => runVedette({ arguments: ['camera', ...args] });

describe('vedette camera probe', () => {
  it('says what a clip gives and keeps a still of it', async () => {
    const still = path.join(folder, 'still.jpg');
    const clip = 'samples/clips/walkway.mp4';
    const end = await vedette('probe', clip, '--seconds', '0.5', '--still', still, '--json');
    expect(end).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(end.stdout)).toMatchObject({
      ...{ kind: 'ffmpeg', format: 'i420', width: 768, height: 576 },
      framesPerSecond: expect.any(Number) as number,
    });
    expect((await readFile(still)).subarray(0, 3).toString('hex')).toBe('ffd8ff');
  });

  it('knows a camera by its name in the configuration', async () => {
    const config = path.join(folder, 'vedette.yaml');
    await writeFile(
      config,
      'cameras:\n  dock: { source: { kind: test-pattern, width: 320, height: 240 }, model: parts }\nmodels:\n  parts: { package: samples/models/coco-detector }\n',
    );
    const end = await vedette('probe', 'dock', '--config', config, '--seconds', '0.5');
    expect(end.stdout).toMatch(/picture +320 × 240, rgb24/);
    expect(end.code).toBe(0);
  });

  it('says in a sentence what is wrong, and shows no login', async () => {
    const camera = await HttpCamera.start({ login: 'basic', username: 'ann', password: 'other' });
    try {
      const login = ['--username', 'ann', '--password-file', passwordFile];
      const end = await vedette(
        'probe',
        camera.url('/stream?pwd=hidden+query'),
        ...login,
        '--json',
      );
      const { problem } = JSON.parse(end.stdout) as { problem: { code: string } };
      expect(problem.code).toBe('CAMERA_LOGIN_REFUSED');
      expect(end.stderr).toMatch(/the camera refuses the user name or the password/);
      expect(end.stdout + end.stderr).not.toMatch(/hidden/);
      expect(end.code).toBe(1);
    } finally {
      await camera.close();
    }
    const nobody = await vedette('probe', 'rtsp://127.0.0.1:1/live');
    expect(nobody).toMatchObject({ code: 4, stdout: '' });
    expect(nobody.stderr).toMatch(/nothing listens there/);
  });
});

describe('vedette camera watch', () => {
  it('says every second how the source is', async () => {
    const watch = async (named: string) => {
      const end = await vedette('watch', named, '--seconds', '1', '--json');
      expect(end.code).toBe(0);
      return JSON.parse(end.stdout.split('\n')[0]!) as unknown;
    };
    const [well, away] = await Promise.all([
      watch('samples/images/street'),
      watch('rtsp://127.0.0.1:1/live'),
    ]);
    expect(well).toMatchObject({ state: 'running', restarts: 0 });
    const message = expect.stringContaining('nothing listens there; check the port') as string;
    expect(away).toMatchObject({ state: 'reconnecting', frames: 0, reason: { message } });
  });
});

/** A machine without any network, with devices of its own. */
const ALONE = ['-rnm', 'sh', '-c', USB_MACHINE];
const canBeAlone = spawnSync('unshare', ['-rnm', 'true']).status === 0 && hasUsbCameras();

describe('vedette camera discover', () => {
  it.skipIf(!canBeAlone)('lists USB cameras, also where there is no network', async () => {
    const camera = await UsbCamera.start('/dev');
    const discover = ['component/main.ts', 'camera', 'discover', '--seconds', '0.2', '--json'];
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      [...ALONE, camera.folder, process.execPath, ...discover],
      {
        encoding: 'utf8',
        env: { ...process.env, PATH: `${camera.programs}:${process.env['PATH']}` },
      },
    );
    await camera.close();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      network: [],
      networkProblem: {
        code: 'CAMERA_SOURCE_FAILED',
        message: expect.stringContaining('check the network settings of this machine') as string,
      },
      usb: [
        {
          device: '/dev/video0',
          name: 'Vedette test camera',
          formats: [
            {
              ...{ name: 'yuyv422', description: 'YUYV 4:2:2', isCompressed: false },
              sizes: [
                { width: 640, height: 480, framesPerSecond: [30, 15] },
                { width: 320, height: 240, framesPerSecond: [120, 30, 5] },
              ],
            },
            {
              ...{ name: 'mjpeg', description: 'Motion-JPEG', isCompressed: true },
              sizes: [{ width: 768, height: 576, framesPerSecond: [60, 30] }],
            },
          ],
        },
      ],
    });
  });

  it('finds an ONVIF camera and the addresses of its streams', async () => {
    const camera = await OnvifCamera.start({ username: 'ann', password: PASSWORD });
    try {
      const ask = [
        'discover',
        '--seconds',
        '0.5',
        '--address',
        `127.0.0.1:${camera.discoveryPort}`,
      ];
      const login = ['--username', 'ann', '--password-file', passwordFile];
      const end = await vedette(...ask, ...login);
      expect(end.stdout).toMatch(/^127\.0\.0\.1 {2}Gate & Dock {2}V-1000$/m);
      expect(end.stdout).toMatch(/^ {2}rtsp:\/\/127\.0\.0\.1:554\/live {2}H264 {2}1920 × 1080/m);
      const without = await vedette(...ask, '--json');
      expect(JSON.parse(without.stdout)).toMatchObject({
        network: [{ problem: { code: 'CAMERA_LOGIN_REFUSED' } }],
      });
    } finally {
      await camera.close();
    }
  });
});
