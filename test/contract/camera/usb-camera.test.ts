import { afterAll, describe } from 'vitest';
import { createDriver } from '../../../component/camera/create-driver.ts';
import { cameraSchema } from '../../../component/contract/camera-config.ts';
import { hasUsbCameras, UsbCamera } from '../../support/usb-camera.ts';
import { describeCameraDriver } from './camera-driver.contract.ts';

const usb = hasUsbCameras() ? await UsbCamera.start() : undefined;
afterAll(() => usb?.close());

const driverOf = (source: Record<string, unknown>) =>
  createDriver({
    name: 'test',
    camera: cameraSchema.parse({ source: { kind: 'ffmpeg', ...source }, model: 'coco-detector' }),
    ffmpegPath: usb!.ffmpegPath,
    readSecret: () => Promise.reject(new Error('no secret is needed')),
  });

/** Each takes some seconds. */
const FORMATS = [
  { inputFormat: 'v4l2', width: 320, height: 240, framesPerSecond: 120 },
  { inputFormat: 'mjpeg', width: 768, height: 576, framesPerSecond: 60 },
] as const;
const isDeep = process.env['VEDETTE_DEEP'] === '1';

describe.skipIf(usb === undefined)('V4L2', () => {
  for (const { inputFormat, width, height, framesPerSecond } of FORMATS.slice(0, isDeep ? 2 : 1)) {
    const asked = { inputFormat, size: { width, height }, framesPerSecond };
    describeCameraDriver(`a USB camera (${inputFormat})`, () =>
      Promise.resolve({
        driver: driverOf({ url: usb!.link, ...asked }),
        missing: driverOf({ url: `${usb!.link}-nowhere`, ...asked }),
        smallestFrameBytes: (width * height * 3) / 2 - 1,
        largestFrameBytes: (width * height * 3) / 2,
        canWait: false,
        close: () => Promise.resolve(),
      }),
    );
  }
});
