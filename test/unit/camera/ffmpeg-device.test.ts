import { describe, expect, it } from 'vitest';
import { changedRate, countDamaged } from '../../../component/camera/ffmpeg-device.ts';
import type { FfmpegSource } from '../../../component/camera/ffmpeg-input.ts';
import { cameraSourceSchema } from '../../../component/contract/camera-config.ts';
import type { VedetteError } from '../../../component/contract/errors.ts';

describe('what ffmpeg says of a frame that a device sent damaged', () => {
  it.each([
    '[video4linux2,v4l2] Dequeued v4l2 buffer contains corrupted data (51131 bytes).',
    '[video4linux2,v4l2] Dequeued v4l2 buffer contains 307200 bytes, but 614400 were expected. Flags: 0x00002000.',
    'Error while decoding stream #0:0: Invalid data found when processing input',
    '[vist#0:0/mjpeg] Error submitting packet to decoder: Invalid data found when processing input',
  ])('is counted: %s', (line) => {
    const counted: unknown[] = [];
    const countDrop = (reason: string, error?: VedetteError) => counted.push([reason, error?.code]);
    countDamaged({ countDrop })(line);
    expect(counted).toEqual([['unreadable', 'IMAGE_CORRUPT']]);
  });

  it.each([
    // A picture that is whole but for its end marker, and what comes before one of the lines above.
    '[mjpeg] EOI missing, emulating',
    '[mjpeg] overread 8',
    '[video4linux2,v4l2] ioctl(VIDIOC_DQBUF): No such device',
  ])('is not counted for: %s', (line) => {
    const countDrop = () => {
      throw new Error('it was counted');
    };
    expect(() => countDamaged({ countDrop })(line)).not.toThrow();
  });
});

describe('the rate that a device gives in place of one that it has not', () => {
  const source = (framesPerSecond?: number) =>
    cameraSourceSchema.parse({
      ...{ kind: 'ffmpeg', url: '/dev/video0' },
      ...(framesPerSecond === undefined ? {} : { framesPerSecond }),
    }) as FfmpegSource;
  const says = (given: string) => [
    `[video4linux2,v4l2] The driver changed the time per frame from 1/30 to ${given}`,
  ];

  it('is told with the one that was asked for', () => {
    const told = changedRate(source(30), says('2/15'));
    expect(told?.code).toBe('CAMERA_SETTING_REFUSED');
    expect(told?.message).toMatch(/no rate of 30 frames\/s at this size; it gives 7\.5$/);
  });

  it('is none that was only rounded, or that nobody asked for', () => {
    expect(changedRate(source(30), says('1001/30000'))).toBeUndefined();
    expect(changedRate(source(), says('1/15'))).toBeUndefined();
    expect(changedRate(source(30), [])).toBeUndefined();
  });
});
