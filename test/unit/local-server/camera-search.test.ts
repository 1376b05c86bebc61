import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { cameraSchema } from '../../../component/contract/camera-config.ts';
import { nameSchema } from '../../../component/contract/model-manifest.ts';
import {
  configurationLines,
  EMPTY_SOURCE,
  sourceOf,
  type SourceForm,
} from '../../../local-server/dashboard/camera-search.ts';

const form = (part: Partial<SourceForm>): SourceForm => ({ ...EMPTY_SOURCE, ...part });

/** The one camera that the lines make, by its name. */
function cameraOf(part: Partial<SourceForm>) {
  const { cameras } = parse(configurationLines(form(part), 'parts')) as { cameras: object };
  const [[name, camera], ...others] = Object.entries(cameras) as [[string, unknown]];
  expect(others).toEqual([]);
  return { name: nameSchema.parse(name), camera: cameraSchema.parse(camera) };
}

describe('the lines for the configuration', () => {
  it.each<[Partial<SourceForm>, object]>([
    [
      { address: ' rtsp://192.168.1.20/live?a=1&b=2 ', transport: 'udp', username: 'ann' },
      {
        ...{ kind: 'ffmpeg', url: 'rtsp://192.168.1.20/live?a=1&b=2' },
        ...{ transport: 'udp', username: 'ann' },
      },
    ],
    [
      { address: 'http://camera/stream', username: 'true', password: 'word' },
      {
        ...{ kind: 'http-mjpeg', url: 'http://camera/stream', username: 'true' },
        password: { file: '/run/secrets/new-camera' },
      },
    ],
    [
      { address: 'http://camera/still', httpKind: 'http-snapshot' },
      { kind: 'http-snapshot', url: 'http://camera/still' },
    ],
    [
      { address: 'rtsp://camera/"quoted"\\: {odd}#\u2028', username: "o'neil: [a]" },
      { kind: 'ffmpeg', url: 'rtsp://camera/"quoted"\\: {odd}#', username: "o'neil: [a]" },
    ],
    [{ address: '/dev/video2' }, { kind: 'ffmpeg', url: '/dev/video2' }],
    [
      { address: 'genicam:192.168.10.20', password: 'unused' },
      { kind: 'genicam', camera: '192.168.10.20' },
    ],
  ])('make a camera of %j', (part, source) => {
    expect(cameraOf(part).camera).toMatchObject({ model: 'parts', source });
  });

  it('hold no password', () => {
    const part = { address: 'rtsp://camera/', username: 'ann', password: 'hidden' };
    expect(configurationLines(form(part), 'parts')).not.toContain('hidden');
  });

  it.each([
    ['Gate & Dock', 'gate-dock'],
    ['  --HD Pro (C920)!', 'hd-pro-c920'],
    ['7', 'new-camera'],
    ['カメラ', 'new-camera'],
    ['a'.repeat(500), 'a'.repeat(40)],
    [undefined, 'new-camera'],
  ])('name a camera that calls itself %j %s', (name, expected) => {
    expect(cameraOf({ address: '/dev/video0', name }).name).toBe(expected);
  });
});

it.each(['', 'camera', '192.168.1.20', 'file:///etc/passwd', '/etc/passwd', 'ftp://camera/'])(
  '%j names no camera',
  (address) => {
    expect(sourceOf(form({ address }))).toBeUndefined();
  },
);
