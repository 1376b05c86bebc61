import { describe, expect, it } from 'vitest';
import { hardwareArguments, hardwareFault } from '../../../component/camera/hardware-decoding.ts';
import { cameraSourceSchema } from '../../../component/contract/camera-config.ts';
import type { FfmpegSource } from '../../../component/camera/ffmpeg-input.ts';

const source = (values: Record<string, unknown>) =>
  cameraSourceSchema.parse({ kind: 'ffmpeg', url: 'rtsp://cam/live', ...values }) as FfmpegSource;

describe('hardware decoding', () => {
  it('is asked for by options from an allow-list', () => {
    expect(hardwareArguments(source({}), 'h264')).toEqual([]);
    expect(
      hardwareArguments(
        source({ hardware: 'vaapi', hardwareDevice: '/dev/dri/renderD129' }),
        'h264',
      ),
    ).toEqual(['-hwaccel', 'vaapi', '-hwaccel_device', '/dev/dri/renderD129']);
    expect(hardwareArguments(source({ hardware: 'v4l2m2m' }), 'hevc')).toEqual([
      '-c:v',
      'hevc_v4l2m2m',
    ]);
  });

  it.each([
    { hardware: 'opencl' },
    { hardware: 'vaapi', hardwareDevice: '/etc/passwd' },
    { hardware: 'vaapi', hardwareDevice: '/dev/dri/../sda' },
    { hardware: 'cuda', hardwareDevice: '-f' },
  ])('takes no other: %o', (values) => {
    expect(() => source(values)).toThrow();
  });

  it('is known not to be used by what ffmpeg says', () => {
    const vaapi = source({ hardware: 'vaapi' });
    expect(hardwareFault(vaapi, ['Stream #0:0: Video: h264'], true)).toBeUndefined();
    const said = '[h264] Failed setup for format vaapi_vld: hwaccel initialisation returned error.';
    expect(hardwareFault(vaapi, [said], true)?.message).toContain('Failed setup');
    expect(hardwareFault(vaapi, [], false)?.code).toBe('HARDWARE_DECODER_UNUSED');
  });
});
