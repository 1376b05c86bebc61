import { describe, expect, it } from 'vitest';
import { FragmentReader, type EncodedFrame } from '../../../component/camera/fragment-reader.ts';
import { FrameTimes } from '../../../component/camera/frame-times.ts';

const box = (type: string, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
};
const words = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, 4 * index);
  return bytes;
};
/** Half a second after 2026-01-01T00:00:00Z. */
const UNIX_SECONDS = Date.UTC(2026, 0, 1) / 1000;
const prft = (ticks: number) =>
  box('prft', words(0x0100_0018, 1, UNIX_SECONDS + 2_208_988_800, 0x8000_0000, 0, ticks));
const moof = (sampleFlags: number) =>
  box('moof', box('traf', box('tfhd', words(0x20, 1, sampleFlags)), box('trun', words(0, 1))));

function read(stream: Buffer, chunkBytes: number) {
  const frames: EncodedFrame[] = [];
  const headers: Uint8Array[] = [];
  const reader = new FragmentReader({
    header: (bytes) => headers.push(bytes),
    frame: (frame) => frames.push(frame),
    end: () => {},
  });
  for (let at = 0; at < stream.length; at += chunkBytes) {
    reader.push(stream.subarray(at, at + chunkBytes));
  }
  return { frames, headers };
}

describe('FragmentReader', () => {
  const stream = Buffer.concat([
    ...[box('ftyp', words(1)), box('moov', words(2))],
    ...[prft(0), moof(0x0200_0000), box('mdat', words(7))],
    ...[prft(3600), moof(0x0101_0000), box('mdat', words(8, 9))],
  ]);

  it.each([1, 7, 4096])('takes frames apart that come in pieces of %i bytes', (chunkBytes) => {
    const { frames, headers } = read(stream, chunkBytes);
    expect(headers).toHaveLength(1);
    expect(frames).toEqual([
      expect.objectContaining({ ticks: 0, ntpMs: UNIX_SECONDS * 1000 + 500, isKey: true }),
      expect.objectContaining({ ticks: 3600, isKey: false }),
    ]);
    expect(frames[1]!.bytes.subarray(-16)).toEqual(box('mdat', words(8, 9)));
  });

  it('tells nothing of what is no such stream', () => {
    expect(read(Buffer.alloc(100_000, 0xff), 999).frames).toEqual([]);
    expect(read(Buffer.alloc(100_000), 999).frames).toEqual([]);
    expect(read(stream.subarray(20), 4096).frames).toEqual([]);
  });
});

describe('FrameTimes', () => {
  /**
   * Packets 40 ms apart, each `lateMs` after its time by the camera, which ffmpeg rounds down, and read
   * when it is `ageMs` old.
   */
  const addPairs = (
    times: FrameTimes,
    count: number,
    lateMs: (index: number) => number,
    ageMs: (index: number) => number = () => 41,
  ) => {
    for (let index = 0; index < count; index += 1) {
      const ntpMs = Math.floor(5000.4 + index * 40 + lateMs(index));
      times.addPair(index * 3600, ntpMs, ntpMs + ageMs(index));
    }
  };

  it('dates each printed frame by the line on which the pairs lie', () => {
    const times = new FrameTimes(100);
    times.addText('frame:0    pts:0       pts_time:0\nn=1\nframe:1    pts:36');
    expect([times.hasSeen(100), times.hasSeen(101)]).toEqual([true, false]);
    addPairs(times, 24, () => 0);
    expect(times.ntpMsOf(100)).toBeUndefined();
    addPairs(times, 1, () => 0);
    times.addText('00    pts_time:0.04\nn=1\n');
    expect(times.ntpMsOf(100)).toBe(5000);
    expect(times.ntpMsOf(101)).toBe(5040);
    expect(times.ntpMsOf(102)).toBeUndefined();
  });

  it('does not take times of arrival for those of the camera', () => {
    const times = new FrameTimes(0);
    times.addText('frame:0 pts:0\n');
    addPairs(times, 500, (index) => (index % 7) * 0.6);
    expect(times.ntpMsOf(0)).toBeUndefined();
  });

  it('does not take them for those of the camera either when they come evenly, as on a quiet machine', () => {
    const times = new FrameTimes(0);
    times.addText('frame:0 pts:0\n');
    // Now and then the reader has other things to do.
    addPairs(
      times,
      100,
      () => 0,
      (index) => (index % 20 === 7 ? 60 : 1),
    );
    expect(times.ntpMsOf(0)).toBeUndefined();
    addPairs(times, 24, () => -40);
    expect(times.ntpMsOf(0)).toBeUndefined();
    addPairs(times, 1, () => -40);
    expect(times.ntpMsOf(0)).toBe(4960);
    expect(times.runsEvenly(0)).toBe(true);
  });

  it.each([-3600_000, -500, 30, 3600_000])(
    'dates frames of a camera whose clock is off, so that its times are %i ms old here',
    (ageMs) => {
      const times = new FrameTimes(0);
      times.addText('frame:0 pts:0\n');
      addPairs(
        times,
        25,
        () => 0,
        () => ageMs,
      );
      expect(times.ntpMsOf(0)).toBe(5000);
    },
  );

  it('follows a report that moves the line, and gives up when there is none any more', () => {
    const times = new FrameTimes(0);
    times.addText('frame:0 pts:0\n');
    addPairs(times, 30, () => 0);
    addPairs(times, 2, () => 20);
    expect(times.ntpMsOf(0)).toBe(5000);
    addPairs(times, 3, () => 20);
    expect(times.ntpMsOf(0)).toBe(5020);
    expect(times.runsEvenly(0)).toBe(true);
    addPairs(times, 60, (index) => (index % 2) * 9);
    expect(times.ntpMsOf(0)).toBeUndefined();
  });

  it('does not go by a clock that was set until its reports agree for longer than one lasts', () => {
    const times = new FrameTimes(0);
    times.addText(`frame:0 pts:0\nframe:1 pts:${14 * 90_000}\nframe:2 pts:${20 * 90_000}\n`);
    const even = () => [0, 1, 2].map((sequence) => times.runsEvenly(sequence));
    addPairs(times, 30, () => 0);
    expect(even()).toEqual([true, true, true]);
    addPairs(times, 3, () => 30);
    expect(even()).toEqual([false, false, true]);
  });

  it('forgets what lies far back', () => {
    const times = new FrameTimes(0);
    addPairs(times, 30, () => 0);
    for (let index = 0; index < 600; index += 1) times.addText(`frame:0 pts:${index}\n`);
    expect(times.ntpMsOf(0)).toBeUndefined();
    expect(times.ntpMsOf(599)).toBeCloseTo(5000 + 599 / 90);
  });
});
