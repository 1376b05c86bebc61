import { describe, expect, it } from 'vitest';
import {
  inputArguments,
  parseInput,
  type FfmpegSource,
  type InputPace,
} from '../../../component/camera/ffmpeg-input.ts';
import { cameraSourceSchema } from '../../../component/contract/camera-config.ts';

const source = (values: Record<string, unknown>) =>
  cameraSourceSchema.parse({ kind: 'ffmpeg', ...values }) as FfmpegSource;
const pace = { isPaced: false, isLooped: false };
const argumentsOf = (values: Record<string, unknown>, password?: string, how: InputPace = pace) => {
  const parsed = source(values);
  return inputArguments(parsed, parseInput(parsed, password), how);
};

describe('parseInput', () => {
  it('tells files, devices, RTSP and HTTP apart', () => {
    const kind = (url: string) => parseInput(source({ url })).kind;
    expect(kind('/data/clip.mp4')).toBe('file');
    expect(kind('clips/clip.mp4')).toBe('file');
    expect(kind('file:///data/a%20clip.mp4')).toBe('file');
    expect(kind('/dev/video0')).toBe('device');
    expect(kind('rtsp://camera/stream')).toBe('rtsp');
    expect(kind('rtsps://camera/stream')).toBe('rtsp');
    expect(kind('https://camera/video.mjpeg')).toBe('http');
  });

  it.each([
    'concat:a.mp4|b.mp4',
    'pipe:0',
    'data:video/mp4;base64,AA',
    'subfile:,x',
    'tcp://host:1',
  ])('refuses %s, naming what is allowed', (url) => {
    expect(() => parseInput(source({ url }))).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('rtsp(s)://') as string,
      }),
    );
  });

  it('takes credentials out of the address, and prefers those of the configuration', () => {
    expect(parseInput(source({ url: 'rtsp://ann:s3cret@camera:554/a?b=c' }))).toEqual({
      kind: 'rtsp',
      url: 'rtsp://camera:554/a?b=c',
      credentials: { username: 'ann', password: 's3cret' },
    });
    expect(
      parseInput(source({ url: 'rtsp://ann:old@camera/', username: 'bob' }), 'new').credentials,
    ).toEqual({ username: 'bob', password: 'new' });
  });

  it('keeps credentials out of a refusal', () => {
    expect(() => parseInput(source({ url: 'ftp://ann:s3cret@host/' }))).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('s3cret') as string }),
    );
  });
});

describe('inputArguments', () => {
  it('plays a file at its own rate and again when asked', () => {
    const { arguments: list } = argumentsOf({ url: '/data/clip.mp4' }, undefined, {
      isPaced: true,
      isLooped: true,
    });
    expect(list.join(' ')).toBe(
      '-protocol_whitelist file -threads 2 -re -stream_loop -1 -i file:/data/clip.mp4',
    );
  });

  it('gives a path that looks like an option or a protocol as a file', () => {
    const { arguments: list } = argumentsOf({ url: './-version' });
    expect(list.at(-1)).toMatch(/^file:\/.*\/-version$/);
  });

  it('asks a device for size, rate and compression', () => {
    const { arguments: list } = argumentsOf({
      url: '/dev/video2',
      inputFormat: 'mjpeg',
      size: { width: 1280, height: 720 },
      framesPerSecond: 15,
    });
    expect(list.join(' ')).toBe(
      '-err_detect explode -f v4l2 -input_format mjpeg -video_size 1280x720 -framerate 15 -i /dev/video2',
    );
  });

  it('opens RTSP by the configured transport', () => {
    const { arguments: list } = argumentsOf({ url: 'rtsp://camera/live', transport: 'udp' });
    expect(list.join(' ')).toContain('-rtsp_transport udp -i rtsp://camera/live');
  });

  it('looks through an RTSP stream only when it must, with a login as without', () => {
    const quick = { ...pace, isQuick: true };
    const url = 'rtsp://camera/live';
    expect(argumentsOf({ url }, undefined, quick).arguments.join(' ')).toContain('-probesize 32');
    expect(argumentsOf({ url }).arguments).not.toContain('-probesize');
    const login = { url, username: 'ann' };
    expect(argumentsOf(login, 'secret', quick).playlist).toContain('\noption probesize 32\n');
    expect(argumentsOf(login, 'secret').playlist).not.toContain('probesize');
    expect(argumentsOf({ url: 'http://camera/live' }, undefined, quick).arguments).not.toContain(
      '-probesize',
    );
  });

  it('never has a password among the arguments', () => {
    const password = "p@ss/w:rd' %#";
    const { arguments: list, playlist } = argumentsOf(
      { url: 'rtsp://camera/live', username: "o'hara" },
      password,
    );
    expect(list.join(' ')).not.toContain('ss');
    expect(list).toContain('pipe:0');
    const file = /^file '([^']*)'$/m.exec(playlist ?? '');
    const url = new URL(file?.[1] ?? '');
    expect(decodeURIComponent(url.password)).toBe(password);
    expect(decodeURIComponent(url.username)).toBe("o'hara");
    expect(playlist).toContain('\noption rtsp_transport tcp\n');
  });

  it.each([
    'rtsp://camera/live?user=ann&password=hidden',
    'http://camera/live?authbasic=hidden',
    'rtsp://camera/user=ann&password=hidden&channel=1&stream=0.sdp',
    'rtsp://camera/user=ann_password=hidden_channel=1_stream=0.sdp',
  ])('has no login of an address among the arguments: %s', (url) => {
    const { arguments: list, playlist } = argumentsOf({ url });
    expect(list.join(' ')).not.toContain('hidden');
    expect(playlist).toContain(`\nfile '${url}'\n`);
  });

  it('lets no playlist or redirect of a network source reach files', () => {
    for (const url of ['rtsp://camera/live', 'http://camera/list.m3u8']) {
      const { arguments: list } = argumentsOf({ url });
      const protocols = list[list.indexOf('-protocol_whitelist') + 1]!.split(',');
      expect(protocols).not.toContain('file');
    }
  });
});
