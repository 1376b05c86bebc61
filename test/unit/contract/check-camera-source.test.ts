import { describe, expect, it } from 'vitest';
import { checkCameraSource } from '../../../component/contract/check-camera-source.ts';
import { cameraSchema } from '../../../component/contract/camera-config.ts';

const check = (source: object, rest: object = {}) =>
  checkCameraSource('dock', cameraSchema.parse({ source, model: 'parts', ...rest }));
const addressOf = (url: string) => check({ kind: 'ffmpeg', url });

describe('checkCameraSource', () => {
  it.each(['clip.mp4', '/data/50%.mp4', '/dev/video0', 'file:///a%20b.mp4', 'rtsp://h/50%'])(
    'finds nothing wrong with the address %s',
    (url) => expect(addressOf(url)).toEqual([]),
  );

  it.each([
    ['pipe:0', /rtsp\(s\):\/\//],
    ['ftp://host/a', /rtsp\(s\):\/\//],
    ['rtsp://host:99999/', /rtsp\(s\):\/\//],
    ['file:///a%zz.mp4', /%25/],
  ])('refuses the address %s', (url, message) => {
    expect(addressOf(url)).toEqual([
      { path: 'cameras.dock.source.url', message: expect.stringMatching(message) as string },
    ]);
  });

  it('does not repeat a password', () => {
    const [problem] = addressOf('ftp://ann:S3C/R@ET@host/a');
    expect(problem?.message).not.toMatch(/S3C|ET@/);
  });

  it('refuses to skip what must not be skipped', () => {
    for (const source of [{ kind: 'push' }, { kind: 'folder', path: 'in', mode: 'watch' }]) {
      expect(check(source)).toEqual([]);
      expect(check(source, { policy: 'every' })).toEqual([]);
      expect(check(source, { policy: 'newest' })).toMatchObject([{ path: 'cameras.dock.policy' }]);
    }
  });

  it.each([
    [{ trigger: { source: 'Line1' }, exposureUs: 50, gainAuto: 'Once' }, {}, []],
    [{ framesPerSecond: 5 }, { health: { framesPerSecond: 5 } }, []],
    [
      { trigger: { source: 'Line1' }, framesPerSecond: 5 },
      { health: { framesPerSecond: 5 } },
      ['source.framesPerSecond', 'health.framesPerSecond'],
    ],
    [{ trigger: { source: 'Software' } }, {}, ['source.trigger.source']],
    [{ exposureUs: 50, exposureAuto: 'Continuous' }, {}, ['source.exposureAuto']],
    [{ gainDb: 2, gainAuto: 'Once' }, {}, ['source.gainAuto']],
  ])('finds what contradicts itself in a GenICam source with %j, %j', (source, rest, settings) => {
    const found = check({ kind: 'genicam', camera: 'V1', ...source }, rest);
    expect(found.map(({ path }) => path)).toEqual(settings.map((name) => `cameras.dock.${name}`));
  });

  it.each(['', 'Line 1', 'Line1,TriggerMode=Off', '1', 'Line1\u0000', 'a'.repeat(64)])(
    'does not take %j for the name of an input',
    (name) => {
      expect(() => check({ kind: 'genicam', camera: 'V1', trigger: { source: name } })).toThrow(
        /source/,
      );
    },
  );

  it('refuses more memory than a ring may have', () => {
    const folder = { kind: 'folder', path: 'in' };
    expect(check(folder, { slots: 8, maxFrameBytes: 1_073_741_824 })).toEqual([]);
    expect(check(folder, { slots: 9, maxFrameBytes: 1_073_741_824 })).toMatchObject([
      { path: 'cameras.dock.slots' },
    ]);
  });
});
