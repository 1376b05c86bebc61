import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { JpegSplitter, type SplitPicture } from '../../../component/camera/jpeg-splitter.ts';

const deep = process.env['VEDETTE_DEEP'] === '1';
const MAX_BYTES = 200_000;

/** Splits `stream`, cut into chunks at the given places; pictures are copied. */
function split(stream: Uint8Array, cuts: readonly number[] = [], maxBytes = MAX_BYTES) {
  const splitter = new JpegSplitter(maxBytes);
  const pictures: SplitPicture[] = [];
  const edges = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
  for (let i = 1; i < edges.length; i += 1) {
    // A copy that is wiped afterwards shows whether the splitter holds on to its input.
    const chunk = Uint8Array.from(stream.subarray(edges[i - 1], edges[i]));
    for (const picture of splitter.push(chunk)) {
      pictures.push(picture.kind === 'jpeg' ? { ...picture, data: picture.data.slice() } : picture);
    }
    chunk.fill(0xaa);
  }
  const rest = splitter.end();
  return rest === undefined ? pictures : [...pictures, rest];
}

const hashes = (pictures: readonly SplitPicture[]) =>
  pictures.map((picture) =>
    picture.kind === 'jpeg' ? Buffer.from(picture.data).toString('base64') : picture.kind,
  );
const expected = (pictures: readonly Uint8Array[]) =>
  pictures.map((data) => Buffer.from(data).toString('base64'));

/** A JPEG with a segment right after SOI. */
function withSegment(jpeg: Uint8Array, code: number, content: Uint8Array): Uint8Array {
  const length = content.length + 2;
  return Buffer.concat([
    jpeg.subarray(0, 2),
    Buffer.from([0xff, code, length >> 8, length & 0xff]),
    content,
    jpeg.subarray(2),
  ]);
}

/** Cuts the entropy-coded data in two with a restart marker: no decoder need like it, a splitter must. */
function withRestartMarkers(jpeg: Uint8Array): Uint8Array {
  const middle = jpeg.length - 40;
  return Buffer.concat([
    jpeg.subarray(0, middle),
    Buffer.from([0xff, 0xd0, 0xff, 0xff, 0xd7, 0xff, 0x00]),
    jpeg.subarray(middle),
  ]);
}

let tiny: Uint8Array;
let kinds: Record<string, Uint8Array>;

beforeAll(async () => {
  const noise = (width: number, height: number) =>
    sharp({
      create: {
        width,
        height,
        channels: 3,
        background: '#888',
        noise: { type: 'gaussian', mean: 128, sigma: 40 },
      },
    });
  tiny = await noise(8, 8).jpeg({ quality: 30 }).toBuffer();
  const baseline = await noise(64, 48).jpeg({ quality: 90 }).toBuffer();
  kinds = {
    tiny,
    baseline,
    progressive: await noise(64, 48).jpeg({ progressive: true }).toBuffer(),
    grey: await noise(40, 30).greyscale().jpeg().toBuffer(),
    'with a thumbnail in APP1': withSegment(baseline, 0xe1, tiny),
    'with two thumbnails and a comment': withSegment(
      withSegment(baseline, 0xe1, Buffer.concat([tiny, tiny])),
      0xfe,
      Buffer.from([0xff, 0xd8, 0xff, 0xd9]),
    ),
    'with restart markers and fill bytes': withRestartMarkers(baseline),
    'with an empty segment': withSegment(baseline, 0xe5, new Uint8Array(0)),
  };
});

describe('JpegSplitter', () => {
  it('finds each kind of JPEG whole, whichever byte a chunk ends at', () => {
    for (const [name, jpeg] of Object.entries(kinds)) {
      const stream = Buffer.concat([jpeg, kinds['baseline']!]);
      const step = deep ? 1 : Math.max(1, Math.floor(jpeg.length / 400));
      for (let cut = 0; cut <= jpeg.length + 4; cut += step) {
        expect(hashes(split(stream, [cut])), `${name}, cut at ${cut}`).toEqual(
          expected([jpeg, kinds['baseline']!]),
        );
      }
    }
  });

  it('finds every picture when the stream comes byte by byte', () => {
    const all = Object.values(kinds);
    const stream = Buffer.concat(all);
    const cuts = Array.from({ length: stream.length }, (_, index) => index);
    expect(hashes(split(stream, cuts))).toEqual(expected(all));
  });

  it('gives the same pictures for any order, any garbage between them and any chunks', () => {
    const garbage = fc
      .uint8Array({ maxLength: 40 })
      .map((bytes) => bytes.map((byte) => (byte === 0xff ? 0xfe : byte)));
    const names = Object.keys(kinds);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...names), garbage), { maxLength: 6 }),
        fc.array(fc.nat(20_000), { maxLength: 12 }),
        (parts, cuts) => {
          const stream = Buffer.concat(parts.flatMap(([name, bytes]) => [kinds[name]!, bytes]));
          const inside = cuts.filter((cut) => cut <= stream.length);
          expect(hashes(split(stream, inside))).toEqual(
            expected(parts.map(([name]) => kinds[name]!)),
          );
        },
      ),
      { numRuns: deep ? 3000 : 150 },
    );
  });

  it('gives the real clip as its 120 frames', () => {
    const clip = readFileSync('samples/clips/walkway.mjpeg');
    const cuts = Array.from({ length: Math.floor(clip.length / 65_536) }, (_, i) => i * 65_536);
    const pictures = split(clip, cuts, 1_000_000);
    expect(pictures.map(({ kind }) => kind)).toEqual(Array.from({ length: 120 }, () => 'jpeg'));
    expect(
      pictures.reduce(
        (sum, picture) => sum + (picture.kind === 'jpeg' ? picture.data.length : 0),
        0,
      ),
    ).toBe(clip.length);
  });

  it('reports a picture that was cut short and goes on with the next one', () => {
    const { baseline } = kinds as { baseline: Uint8Array };
    const short = baseline.subarray(0, baseline.length - 30);
    for (const cut of [1, 20, short.length - 1, short.length, short.length + 1, short.length + 2]) {
      expect(hashes(split(Buffer.concat([short, tiny]), [cut]))).toEqual([
        'broken',
        ...expected([tiny]),
      ]);
    }
  });

  it('reports a picture that the stream ends in', () => {
    expect(hashes(split(Buffer.concat([tiny, tiny.subarray(0, -1)])))).toEqual([
      ...expected([tiny]),
      'broken',
    ]);
  });

  it('skips a picture that is too large, keeps nothing of it and counts its bytes', () => {
    const { baseline } = kinds as { baseline: Uint8Array };
    const stream = Buffer.concat([tiny, baseline, tiny]);
    for (const cuts of [[], [tiny.length + 100, tiny.length + 900]]) {
      const pictures = split(stream, cuts, baseline.length - 1);
      expect(pictures.map(({ kind }) => kind)).toEqual(['jpeg', 'too-large', 'jpeg']);
      expect(pictures[1]).toMatchObject({ byteLength: baseline.length });
    }
    expect(split(stream, [], baseline.length).map(({ kind }) => kind)).toEqual([
      'jpeg',
      'jpeg',
      'jpeg',
    ]);
  });

  it('never throws, never gives more than the limit and finds the picture behind any garbage', () => {
    // A marker's segment may swallow up to 65,535 bytes of what follows it.
    const gap = new Uint8Array(70_000);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 3000 }),
        fc.array(fc.nat(3000), { maxLength: 5 }),
        (garbage, cuts) => {
          const stream = Buffer.concat([garbage, gap, tiny]);
          const pictures = split(
            stream,
            cuts.filter((cut) => cut <= garbage.length),
            5000,
          );
          for (const picture of pictures) {
            if (picture.kind === 'jpeg') expect(picture.data.length).toBeLessThanOrEqual(5000);
          }
          expect(hashes(pictures).at(-1)).toEqual(expected([tiny])[0]);
        },
      ),
      { numRuns: deep ? 5000 : 200 },
    );
  });
});
