import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { FFMPEG_PARTS } from '../../../scripts/package/ffmpeg-parts.ts';

const partsOf = (kind: string): string[] =>
  FFMPEG_PARTS.flatMap((part) => part.split(`--enable-${kind}=`)[1]?.split(',') ?? []);
/** Names that the distribution's ffmpeg lists; the pack is built of the same source. */
const known = (what: string): Set<string> => {
  const text = execFileSync('ffmpeg', ['-hide_banner', what], { encoding: 'utf8' });
  return new Set(text.split('\n').flatMap((line) => line.trim().split(/[\s,]+/)));
};

/** Lists have it by another name than it is built by. */
const LISTED_AS: Readonly<Record<string, string>> = { msmpeg4v3: 'msmpeg4' };

describe('what ships of ffmpeg', () => {
  test.each([
    ['protocol', '-protocols'],
    ['demuxer', '-demuxers'],
    ['decoder', '-decoders'],
    ['encoder', '-encoders'],
    ['muxer', '-muxers'],
    ['filter', '-filters'],
    ['bsf', '-bsfs'],
  ])('is called as ffmpeg calls it: each %s', (kind, what) => {
    const names = known(what);
    const parts = partsOf(kind);
    expect(parts.length).toBeGreaterThan(0);
    expect(parts.filter((name) => !names.has(LISTED_AS[name] ?? name))).toEqual([]);
  });

  test('opens what cameras may be, and holds nothing under the GPL', () => {
    expect(partsOf('protocol')).toEqual(
      expect.arrayContaining(['file', 'http', 'tcp', 'udp', 'rtp']),
    );
    expect(partsOf('demuxer')).toEqual(
      expect.arrayContaining(['rtsp', 'mov', 'matroska', 'mpjpeg', 'mjpeg', 'h264', 'concat']),
    );
    expect(partsOf('decoder')).toEqual(
      expect.arrayContaining(['h264', 'hevc', 'mjpeg', 'rawvideo']),
    );
    expect(partsOf('indev')).toContain('v4l2');
    expect(FFMPEG_PARTS.join(' ')).not.toMatch(/gpl|nonfree|version3/);
    expect(FFMPEG_PARTS).toContain('--disable-everything');
  });
});
