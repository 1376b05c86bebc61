import { describe, expect, it } from 'vitest';
import { createDriver, resolvePolicy } from '../../../component/camera/create-driver.ts';
import { cameraSchema } from '../../../component/contract/camera-config.ts';

const camera = (source: Record<string, unknown>, rest: Record<string, unknown> = {}) =>
  cameraSchema.parse({ source, model: 'coco-detector', ...rest });
const create = (...values: Parameters<typeof camera>) =>
  createDriver({
    name: 'dock',
    camera: camera(...values),
    ffmpegPath: 'ffmpeg',
    readSecret: () => Promise.resolve(''),
  });

describe('createDriver', () => {
  it.each([
    [{ kind: 'folder', path: 'in' }, 'FolderCamera', false],
    [{ kind: 'folder', path: 'in', mode: 'once' }, 'FolderCamera', true],
    [{ kind: 'folder', path: 'in', mode: 'watch' }, 'WatchedFolderCamera', false],
    [{ kind: 'mjpeg-file', path: 'a.mjpeg' }, 'MjpegFileCamera', false],
    [{ kind: 'mjpeg-file', path: 'a.mjpeg', shouldLoop: false }, 'MjpegFileCamera', true],
    [{ kind: 'ffmpeg', url: 'a.mp4' }, 'FfmpegCamera', false],
    [{ kind: 'ffmpeg', url: 'a.mp4', shouldLoop: false }, 'FfmpegCamera', true],
    [{ kind: 'ffmpeg', url: 'rtsp://a/b', shouldLoop: false }, 'FfmpegCamera', false],
    [{ kind: 'push' }, 'PushCamera', false],
    [{ kind: 'http-snapshot', url: 'http://a/' }, 'HttpSnapshotCamera', false],
    [{ kind: 'http-mjpeg', url: 'https://a/' }, 'HttpMjpegCamera', false],
    [{ kind: 'test-pattern' }, 'TestPatternCamera', false],
    [{ kind: 'gstreamer', pipeline: 'videotestsrc' }, 'GstreamerCamera', false],
    [{ kind: 'genicam', camera: '192.168.1.2' }, 'GenicamCamera', false],
  ])('makes for %j a %s', (source, name, endsForGood) => {
    const driver = create(source);
    expect(driver.constructor.name).toBe(name);
    expect(driver.endsForGood).toBe(endsForGood);
  });

  it('refuses a watched folder that would skip files', () => {
    expect(() =>
      create({ kind: 'folder', path: 'in', mode: 'watch' }, { policy: 'newest' }),
    ).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  it('refuses pushed pictures that would be skipped', () => {
    expect(() => create({ kind: 'push' }, { policy: 'newest' })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });

  it('names every problem at once', () => {
    const rest = { policy: 'newest', slots: 64, maxFrameBytes: 1_073_741_824 };
    expect(() => create({ kind: 'push' }, rest)).toThrow(
      expect.objectContaining({
        details: {
          problems: [
            expect.objectContaining({ path: 'cameras.dock.policy' }),
            expect.objectContaining({ path: 'cameras.dock.slots' }),
          ],
        },
      }),
    );
  });

  it('refuses what ffmpeg may not open', () => {
    expect(() => create({ kind: 'ffmpeg', url: 'pipe:0' })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});

describe('resolvePolicy', () => {
  it.each([
    [{ kind: 'folder', path: 'in' }, {}, 'every'],
    [{ kind: 'push' }, {}, 'every'],
    [{ kind: 'mjpeg-file', path: 'a' }, {}, 'newest'],
    [{ kind: 'mjpeg-file', path: 'a' }, { pace: 'fast' }, 'every'],
    [{ kind: 'ffmpeg', url: 'a.mp4' }, {}, 'newest'],
    [{ kind: 'ffmpeg', url: 'a.mp4' }, { pace: 'fast' }, 'every'],
    [{ kind: 'ffmpeg', url: 'rtsp://a/b' }, { pace: 'fast' }, 'newest'],
    [{ kind: 'ffmpeg', url: '/dev/video0' }, { pace: 'fast' }, 'newest'],
    [{ kind: 'folder', path: 'in' }, { policy: 'newest' }, 'newest'],
    [{ kind: 'genicam', camera: 'a' }, {}, 'newest'],
    [{ kind: 'genicam', camera: 'a', trigger: { source: 'Line0' } }, {}, 'every'],
  ])('of %j with %j is %s', (source, rest, policy) => {
    expect(resolvePolicy(camera(source, rest))).toBe(policy);
  });
});
